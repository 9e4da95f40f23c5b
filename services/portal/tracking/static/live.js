// The track page renews itself when something happens, and says so. Without this script a link does it.
const STALE_MS = 60_000;
let renewedAt = Date.now();
let source = null;
let timer = 0;

const region = () => document.getElementById("status");

function say(words) {
  let place = document.getElementById("said");
  if (!place) {
    place = document.createElement("p");
    place.id = "said";
    place.className = "sr";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = words;
}

function prepare() {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
}

async function renew() {
  renewedAt = Date.now();
  let answer;
  try {
    answer = await fetch(location.pathname, { headers: { Accept: "text/html" }, cache: "no-cache" });
  } catch {
    return false;
  }
  if (!answer.ok) return false;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("status");
  const old = region();
  if (!fresh || fresh.innerHTML === old.innerHTML) return true;
  const isNews = fresh.dataset.events !== old.dataset.events;
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  const hadFocus = old.contains(document.activeElement);
  old.replaceWith(fresh);
  if (open.length === fresh.querySelectorAll("details").length) {
    fresh.querySelectorAll("details").forEach((one, place) => { one.open = open[place]; });
  }
  prepare();
  const headline = fresh.querySelector("h1");
  if (hadFocus && headline) {
    headline.tabIndex = -1;
    headline.focus();
  }
  if (isNews && headline) {
    document.title = document.title.replace(/^(\u25CF )?/, document.hidden ? "\u25CF " : "");
    say(`${fresh.dataset.changed} ${headline.textContent.trim()}`);
  }
  return true;
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(renew, 200);
}

function listen() {
  const { live, events } = region().dataset;
  source = new EventSource(`${live}?sejak=${events}`);
  source.addEventListener("kabar", soon);
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) source = null; // refused: the clock below goes on asking
  });
}

document.addEventListener("click", (event) => {
  const wanted = event.target.closest("[data-refresh], [data-print]");
  if (!wanted) return;
  if (wanted.hasAttribute("data-print")) {
    window.print();
    return;
  }
  event.preventDefault();
  renew().then((done) => { if (!done) location.reload(); });
});
document.addEventListener("visibilitychange", () => {
  document.title = document.title.replace(/^\u25CF /, "");
  if (!document.hidden && Date.now() - renewedAt > STALE_MS) renew();
});
setInterval(() => {
  if (!document.hidden && Date.now() - renewedAt > (source ? 5 * STALE_MS : STALE_MS)) renew();
}, 15_000);
window.addEventListener("pagehide", () => source?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); renew(); } });

prepare();
if (region()) listen();
