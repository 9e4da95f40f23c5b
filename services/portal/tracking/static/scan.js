// Reading the number from the receipt's QR code, where the browser can. Otherwise the page says what else to do.
const button = document.getElementById("scan");
const scanner = document.getElementById("scanner");
const field = document.getElementById("nomor");
let stream = null;

async function canScan() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return false;
  try {
    return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
  } catch {
    return false;
  }
}

function numberIn(text) {
  const inAddress = /\/lacak\/([^/?#]+)/.exec(text);
  const found = (inAddress ? decodeURIComponent(inAddress[1]) : text).trim().toUpperCase();
  return /^[A-Z]{3}-?(?:[0-9A-Z]{4}-?){4}[0-9A-Z*~$=]$/.test(found) ? found : null;
}

function end() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  scanner.hidden = true;
}

async function scan() {
  const words = document.getElementById("scanner-words");
  scanner.hidden = false;
  const video = scanner.querySelector("video");
  video.hidden = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    words.textContent = scanner.dataset.refused;
    field.focus();
    return;
  }
  video.hidden = false;
  video.srcObject = stream;
  await video.play();
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  while (stream) {
    const codes = await detector.detect(video).catch(() => []);
    for (const code of codes) {
      const number = numberIn(code.rawValue);
      if (number) {
        end();
        field.value = number;
        field.form.requestSubmit();
        return;
      }
      words.textContent = scanner.dataset.other;
    }
    await new Promise((done) => { setTimeout(done, 150); });
  }
}

if (await canScan()) {
  button.hidden = false;
  button.addEventListener("click", scan);
  document.getElementById("scan-end").addEventListener("click", () => { end(); button.focus(); });
} else {
  document.getElementById("no-scan").hidden = false;
}
