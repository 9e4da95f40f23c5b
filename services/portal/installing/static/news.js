// Subscribes this browser to news of one application, and says how it stands.
const place = document.getElementById("kabar");
const states = Object.fromEntries([...place.querySelectorAll("[data-state]")].map((one) => [one.dataset.state, one]));
const start = document.getElementById("mulai");
const stop = document.getElementById("berhenti");
const token = place.querySelector("[name=csrf]").value;

function show(state, words = "") {
  for (const [name, one] of Object.entries(states)) one.hidden = name !== state;
  if (words) states[state].querySelector("p").textContent = words;
  start.hidden = !["off", "trouble"].includes(state);
  stop.hidden = state !== "on";
}

async function tell(what, subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams({ csrf: token, apa: what, endpoint, p256dh: keys.p256dh, auth: keys.auth });
  return fetch(location.pathname, { method: "POST", body });
}

function bytes(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (one) => one.charCodeAt(0));
}

async function begin() {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return show("unsupported");
  await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  if (Notification.permission === "denied") return show("denied");
  const known = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
  show(known && (await tell("apakah", known)).status === 204 ? "on" : "off");
}

start.addEventListener("click", async () => {
  show("working");
  try {
    if ((await Notification.requestPermission()) !== "granted") return show("denied");
    const registration = await navigator.serviceWorker.ready;
    const wanted = { userVisibleOnly: true, applicationServerKey: bytes(place.dataset.key) };
    const answer = await tell("mulai", await registration.pushManager.subscribe(wanted));
    if (answer.status === 204) show("on");
    else show("trouble", answer.status === 422 ? await answer.text() : "");
  } catch {
    show("trouble");
  }
});

stop.addEventListener("click", async () => {
  show("working");
  try {
    const known = await (await navigator.serviceWorker.ready).pushManager.getSubscription();
    if (known && (await tell("berhenti", known)).status !== 204) return show("trouble");
    show("off");
  } catch {
    show("trouble");
  }
});

begin().catch(() => show("trouble"));
