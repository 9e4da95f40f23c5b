// An upload in pieces: it shows how far it is, waits while there is no connection, and goes on where it stood.
// Without this script the form sends the file whole.
const form = document.querySelector("form.upload");
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const KINDS = ["application/pdf", "image/jpeg", "image/png"];

class Refused extends Error {}

if (form) {
  const camera = form.querySelector(".camera");
  if (matchMedia("(pointer: coarse)").matches) camera.hidden = false;
  for (const input of form.querySelectorAll("input[type=file]")) {
    input.required = false;
    input.addEventListener("change", () => {
      for (const other of form.querySelectorAll("input[type=file]")) if (other !== input) other.value = "";
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    delete form.dataset.sent;
    const file = [...form.querySelectorAll("input[type=file]")].map((input) => input.files[0]).find(Boolean);
    const wrong = wrongWith(file);
    if (wrong) show(wrong); else send(file);
  });
}

function wrongWith(file) {
  if (!file) return form.dataset.none;
  if (!file.size) return form.dataset.empty;
  if (file.size > Number(form.dataset.limit)) return form.dataset.tooLarge;
  return file.type && !KINDS.includes(file.type) ? form.dataset.kind : "";
}

async function send(file) {
  const box = form.querySelector(".progress"), stop = new AbortController();
  clear();
  box.hidden = false;
  form.querySelector("button[type=submit]").hidden = true;
  const cancel = form.querySelector("[data-stop]");
  cancel.onclick = () => stop.abort();
  cancel.focus();
  try {
    location.assign(await pieces(file, stop.signal));
  } catch (error) {
    if (!stop.signal.aborted) show(error instanceof Refused ? error.message : form.dataset.ended);
    box.hidden = true;
    form.querySelector("button[type=submit]").hidden = false;
    if (stop.signal.aborted) form.querySelector("button[type=submit]").focus();
  }
}

/** Send all pieces; the address of the next page. */
async function pieces(file, signal) {
  let [upload, offset] = await resume(file, signal);
  for (let failures = 0; ;) {
    tell(form.dataset.sending, offset, file.size);
    try {
      const answer = await piece(upload, offset, file, signal);
      failures = 0;
      if (answer.next) { forget(); return answer.next; }
      offset = answer.offset;
    } catch (error) {
      if (error instanceof Refused || signal.aborted) { forget(); throw error; }
      tell(form.dataset.waiting, offset, file.size);
      await pause(PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)], signal);
      const place = await ask("GET", `${form.dataset.upload}/${upload}`, signal).catch((again) => {
        if (again instanceof Refused) throw again;
      });
      if (place) offset = place.offset;
    }
  }
}

/** An upload of this very file that this tab began before, or a new one. */
async function resume(file, signal) {
  const known = JSON.parse(sessionStorage.getItem(place()) || "null");
  if (known && known.size === file.size && known.modified === file.lastModified) {
    const stands = await ask("GET", `${form.dataset.upload}/${known.upload}`, signal).catch(() => null);
    if (stands && stands.offset < stands.length) return [known.upload, stands.offset];
  }
  for (let failures = 0; ; failures++) {
    try {
      const body = JSON.stringify({ size: file.size, type: file.type });
      const begun = await ask("POST", form.dataset.upload, signal, body, { "Content-Type": "application/json" });
      sessionStorage.setItem(place(), JSON.stringify({ upload: begun.upload, size: file.size, modified: file.lastModified }));
      return [begun.upload, 0];
    } catch (error) {
      if (error instanceof Refused || signal.aborted) throw error;
      tell(form.dataset.waiting, 0, file.size);
      await pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)], signal);
    }
  }
}

const place = () => `upload:${form.dataset.upload.split("/").slice(-1)[0]}`;
const forget = () => sessionStorage.removeItem(place());

function piece(upload, offset, file, signal) {
  const body = file.slice(offset, offset + Number(form.dataset.piece));
  return ask("PATCH", `${form.dataset.upload}/${upload}`, signal, body, { "Upload-Offset": String(offset) },
    (sent) => tell(form.dataset.sending, offset + sent, file.size, true));
}

/** One request; its progress needs XMLHttpRequest. What may be tried again is rejected with a plain error. */
function ask(method, address, signal, body, headers = {}, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.timeout = 120_000;
    request.setRequestHeader("X-Csrf", form.dataset.csrf);
    request.setRequestHeader("X-Limit", form.dataset.limit);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      const answer = read(request.responseText);
      if (request.status === 200) resolve(answer);
      else if (request.status === 409 || request.status >= 500 || request.status === 429) reject(new Error("later"));
      else reject(new Refused(answer.message || form.dataset.ended));
    };
    request.onerror = request.ontimeout = () => reject(new Error("line"));
    request.onabort = () => reject(new Error("stopped"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function read(text) {
  try { return JSON.parse(text); } catch { return {}; }
}

/** Wait, or until the connection is back, or until it is stopped. */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(new Error("stopped")); }, { once: true });
  });
}

let said = -1;
function tell(words, done, all, quietly) {
  const percent = Math.floor(100 * Math.min(done, all) / all);
  document.getElementById("bar").value = percent;
  if (quietly && Math.floor(percent / 10) === said) return;
  said = Math.floor(percent / 10);
  form.querySelector(".said").textContent = words.replace("{percent}", percent);
}

/** What is wrong, at the field, as the server's page would say it. */
function show(words) {
  clear();
  const input = document.getElementById("file"), field = input.closest(".field"), wrong = document.createElement("p");
  wrong.className = "wrong";
  wrong.id = "file-error";
  wrong.setAttribute("role", "alert");
  wrong.textContent = words;
  field.classList.add("has-error");
  field.insertBefore(wrong, input);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", "file-hint file-error");
  input.focus();
}

function clear() {
  const input = document.getElementById("file");
  document.getElementById("file-error")?.remove();
  input.closest(".field").classList.remove("has-error");
  input.removeAttribute("aria-invalid");
}
