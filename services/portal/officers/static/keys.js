// One letter for each thing to do, on top of plain links and forms. Switched off in the help dialog (WCAG 2.1.4).
const dialog = document.getElementById("keys");
const opener = document.querySelector("[data-open-keys]");
const switched = document.querySelector("[data-keys-on]");
const KEPT = "jejak-keys";
let on = localStorage.getItem(KEPT) !== "off";

if (dialog && opener && switched) {
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  switched.checked = on;
  switched.addEventListener("change", () => {
    on = switched.checked;
    localStorage.setItem(KEPT, on ? "on" : "off");
  });
}

const rows = [...document.querySelectorAll("a.row")];

function move(by) {
  const place = rows.indexOf(document.activeElement);
  const next = place < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(place + by, 0), rows.length - 1);
  rows[next]?.focus();
}

function isTyping(target) {
  return target.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target) || dialog?.open) return;
  if (event.key === "?" && dialog) {
    dialog.showModal();
    event.preventDefault();
    return;
  }
  if (!on) return;
  if (rows.length && (event.key === "j" || event.key === "k")) {
    move(event.key === "j" ? 1 : -1);
    event.preventDefault();
    return;
  }
  if (event.key.length !== 1) return;
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (wanted instanceof HTMLFormElement) wanted.requestSubmit();
  else wanted.click();
});
