// The portal without a network: the last known status of numbers that were looked at, and news by push. Nothing personal is
// kept: a page that says `no-store` is not, and a status page is kept as it is for a visitor without a session.
const PAGES = "jejak-pages-1";
const FILES = "jejak-files-1";
const MOST_PAGES = 20;
const OFFLINE = ["/luring", "/en/luring"];
const STATUS = /^(\/en)?\/lacak\/[^/]+$/;
/** A number may end in a sign that some links write as %24 and some as $: one page, kept once. */
const plain = (path) => path.replace(/%(?:24|2A|3D|7E)$/i, decodeURIComponent);

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    for (const path of OFFLINE) await keep(path);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== PAGES && name !== FILES) await caches.delete(name);
    await prune();
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (event.request.mode === "navigate") event.respondWith(page(event, url));
  else if (url.pathname.startsWith("/aset/")) event.respondWith(file(event.request));
});

async function page(event, url) {
  try {
    const answer = await fetch(event.request);
    if (STATUS.test(url.pathname) && answer.ok) event.waitUntil(keep(plain(url.pathname)).catch(() => {}));
    return answer;
  } catch {
    const kept = await (await caches.open(PAGES)).match(plain(url.pathname));
    if (kept && STATUS.test(url.pathname)) return aged(kept, url.pathname.startsWith("/en/"));
    const offline = url.pathname.startsWith("/en") ? OFFLINE[1] : OFFLINE[0];
    return (await caches.match(offline)) || Response.error();
  }
}

/** A kept page that says of when it is. */
async function aged(kept, english) {
  const of = new Date(kept.headers.get("date") || Date.now());
  const when = new Intl.DateTimeFormat(english ? "en" : "id", { dateStyle: "medium", timeStyle: "short" }).format(of);
  const words = english
    ? `Last updated ${when}. You are offline: this may have changed.`
    : `Terakhir diperbarui ${when}. Anda sedang luring: keadaannya mungkin sudah berubah.`;
  const note = `<div class="notice wait" role="status" id="luring"><p>${words}</p></div>`;
  const body = (await kept.text()).replace(/(<main[^>]*>\s*<div[^>]*>)/, `$1${note}`);
  const headers = new Headers(kept.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  return new Response(body, { status: 200, headers });
}

/** Keep a page as a visitor without a session gets it, and the files that it shows. */
async function keep(path) {
  const answer = await fetch(path, { credentials: "omit", cache: "no-cache" });
  if (!answer.ok || answer.redirected || /no-store/.test(answer.headers.get("cache-control") || "")) return;
  const pages = await caches.open(PAGES);
  const text = await answer.clone().text();
  await pages.delete(path);
  await pages.put(path, answer);
  const files = await caches.open(FILES);
  let isNew = false;
  for (const address of shownBy(text)) {
    if (await files.match(address)) continue;
    isNew = true;
    await files.add(address).catch(() => {});
  }
  const kept = (await pages.keys()).filter((one) => STATUS.test(new URL(one.url).pathname));
  for (const old of kept.slice(0, Math.max(0, kept.length - MOST_PAGES))) await pages.delete(old);
  if (isNew) await prune();
}

const shownBy = (text) => [...text.matchAll(/(?:href|src)="(\/aset\/[^"]+)"/g)].map(([, address]) => address);

/** Forget the files that no kept page shows: those of earlier versions. */
async function prune() {
  const [pages, files] = [await caches.open(PAGES), await caches.open(FILES)];
  const shown = new Set();
  for (const page of await pages.matchAll()) for (const address of shownBy(await page.text())) shown.add(address);
  for (const one of await files.keys()) if (!shown.has(new URL(one.url).pathname)) await files.delete(one);
}

async function file(request) {
  return (await (await caches.open(FILES)).match(request)) || fetch(request);
}

self.addEventListener("message", (event) => {
  if (event.data === "forget") event.waitUntil(forget());
});

async function forget() {
  const pages = await caches.open(PAGES);
  for (const one of await pages.keys()) if (!OFFLINE.includes(new URL(one.url).pathname)) await pages.delete(one);
  for (const shown of await self.registration.getNotifications()) shown.close();
}

self.addEventListener("push", (event) => {
  const news = event.data ? event.data.json() : {};
  event.waitUntil(self.registration.showNotification(news.title || "Jejak", {
    body: `${news.text || ""}\n${news.number || ""}`.trim(),
    lang: news.language || "id",
    tag: news.number || "jejak",
    renotify: Boolean(news.number),
    data: { path: /^\/(en\/)?lacak\/[A-Z0-9-]+(?:[*~$=]|%[0-9A-F]{2})?$/.test(news.path || "") ? news.path : "/" },
  }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil((async () => {
    const path = event.notification.data.path;
    for (const one of await self.clients.matchAll({ type: "window" })) {
      if (plain(new URL(one.url).pathname) === plain(path)) return one.focus();
    }
    return self.clients.openWindow(path);
  })());
});
