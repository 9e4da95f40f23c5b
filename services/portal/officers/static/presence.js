// Tells the office that this case is open here, and shows who else has it open and whether it changed meanwhile.
const place = document.querySelector("[data-presence]");
const BEAT_MS = 15_000;

function show(words) {
  const shown = words.map((text) => {
    const line = document.createElement("p");
    line.className = "notice wait";
    line.textContent = text;
    return line;
  });
  if (place.textContent.trim() !== words.join("")) place.replaceChildren(...shown);
}

async function beat() {
  if (document.hidden) return;
  try {
    const answer = await fetch(place.dataset.presence, { method: "POST", headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const seen = await answer.json();
    const changed = seen.version > Number(place.dataset.version);
    show(changed ? [...seen.others, place.dataset.changed] : seen.others);
  } catch {
    // no network just now: the next beat tells
  }
}

if (place) {
  setInterval(beat, BEAT_MS);
  document.addEventListener("visibilitychange", beat);
  window.addEventListener("pagehide", () => {
    fetch(place.dataset.presence, { method: "DELETE", keepalive: true });
  });
}
