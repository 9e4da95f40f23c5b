// How long the billing code is still good, to the second. The words beside it say the same without this script.
const place = document.querySelector("[data-until]");

function words(left) {
  const { days, hours, minutes, seconds } = place.dataset;
  const parts = [[Math.floor(left / 86400), days], [Math.floor(left / 3600) % 24, hours],
    [Math.floor(left / 60) % 60, minutes], [left % 60, seconds]];
  const first = parts.findIndex(([count]) => count > 0);
  const told = parts.slice(first < 0 ? 3 : first, first === 0 ? 3 : 4);
  return told.map(([count, name]) => `${count} ${name}`).join(" ");
}

function tick() {
  const left = Math.floor((Date.parse(place.dataset.until) - Date.now()) / 1000);
  if (left < 0) {
    location.reload(); // the page of an expired code says what to do
    return;
  }
  place.textContent = `(${place.dataset.left} ${words(left)})`;
  setTimeout(tick, left > 86400 ? 30_000 : 1_000);
}

if (place && Date.parse(place.dataset.until) > Date.now()) tick();
