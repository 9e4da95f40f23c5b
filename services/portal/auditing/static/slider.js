// Moves through a case's history without leaving the page: a slider over the same instants that the list offers.
const said = document.body.appendChild(document.createElement("p"));
said.className = "sr";
said.setAttribute("role", "status");
let asked = 0;

function set_up() {
  const form = document.querySelector("[data-slider]");
  if (!form) return;
  const list = form.elements.pada;
  const slide = form.querySelector("#slide");
  if (list.options.length < 2) return;
  slide.max = list.options.length - 1;
  slide.value = list.selectedIndex;
  slide.hidden = false;
  const tell = () => slide.setAttribute("aria-valuetext", list.options[slide.value].text);
  tell();
  slide.addEventListener("input", () => { list.selectedIndex = slide.value; tell(); });
  slide.addEventListener("change", () => show(address(form), "slide"));
  list.addEventListener("change", () => show(address(form), "pada"));
  for (const choice of form.querySelectorAll("[name=nilai]")) {
    choice.addEventListener("change", () => show(`?nilai=${choice.value}`, choice.id));
  }
  for (const step of document.querySelectorAll("[data-step]")) {
    step.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      show(step.href, null, step.rel);
    });
  }
}

function address(form) {
  return `?${new URLSearchParams(new FormData(form))}`;
}

async function show(href, focus, rel) {
  const mine = ++asked;
  const moment = document.querySelector("[data-moment]");
  const url = new URL(href, location.href);
  moment.setAttribute("aria-busy", "true");
  let answer = null;
  try {
    answer = await fetch(url, { headers: { Accept: "text/html" } });
  } catch { /* no connection: the whole page says so better */ }
  if (mine !== asked) return;
  if (!answer || !answer.ok || answer.redirected) { location.assign(url); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== asked) return;
  const fresh = page.querySelector("[data-moment]");
  if (!fresh) { location.assign(url); return; }
  moment.replaceWith(document.adoptNode(fresh));
  history.replaceState(null, "", url);
  set_up();
  const next = (rel && document.querySelector(`[data-step][rel=${rel}]`)) || document.getElementById(focus ?? "slide");
  next?.focus();
  said.textContent = ["h2", ".lead"].map((part) => document.querySelector(`[data-announce] ${part}`).textContent).join(" ");
}

set_up();
