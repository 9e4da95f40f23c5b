// Small improvements of pages that work without them: copying, focus on what is wrong, one sending of a form.
const fields = document.querySelectorAll("[data-focus]");
if (fields.length) fields[0].focus();

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    const words = button.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = button.dataset.copied;
      say(button.dataset.copied);
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
}

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

/** Have a screen reader say `words`. */
export function say(words) {
  let region = document.getElementById("say");
  if (!region) {
    region = document.createElement("div");
    region.id = "say";
    region.className = "sr";
    region.setAttribute("role", "status");
    document.body.append(region);
  }
  region.textContent = words;
}

// The worker keeps last known statuses for when there is no network; a form that forgets or signs out empties it.
if ("serviceWorker" in navigator) {
  navigator.serviceWorker.register("/sw.js", { scope: "/" }).catch(() => {});
  for (const form of document.querySelectorAll("form[action$='/lupakan'], form[action$='/keluar']")) {
    form.addEventListener("submit", () => navigator.serviceWorker.controller?.postMessage("forget"));
  }
}
