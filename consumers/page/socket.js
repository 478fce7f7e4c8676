// The connection to the service: sends pictures, the nearest to the view first, and takes answers.
'use strict';

// ---- Connection ---------------------------------------------------------------------

let socket = null, openedAt = Infinity, attempts = 0, retryTimer = 0;
const isOpen = () => socket?.readyState === WebSocket.OPEN;

function connect() {
  clearTimeout(retryTimer);
  if (socket && socket.readyState < WebSocket.CLOSING) return;
  showConnection('connecting', 'connecting');
  // The page's own query is passed on, so a deployment with a token works unchanged.
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/demo${location.search}`);
  socket.onopen = () => {
    openedAt = performance.now();
    showConnection('open', 'connected');
    $('notice').hidden = true;
    sayViewport();
    fetchAgain();
    pump();
  };
  socket.onmessage = ({ data }) => receive(data);
  socket.onclose = ({ code }) => disconnected(code);
}

function disconnected(code) {
  const lost = [...unanswered.values()];
  unanswered.clear();
  if (code === 1009 && lost.length > 0) {
    // One of these pictures was too large for this deployment; if it is sent again, the service closes again.
    const largest = lost.reduce((a, b) => (b.size > a.size ? b : a));
    if (isWaiting(largest)) fail(largest, 'Larger than this service allows.', 'too_big', false);
  }
  for (const tile of lost) if (isWaiting(tile)) setState(tile, 'grey', 'will be sent again');
  if (code === 3000) return showConnection('closed', 'not admitted');
  // Only a connection that lasted resets the waits to short ones.
  if (performance.now() - openedAt > STEADY_AFTER) attempts = 0;
  openedAt = Infinity;
  const wait = Math.min(RETRY_LAST, RETRY_FIRST * 2 ** attempts) * (0.5 + Math.random() / 2);
  attempts += 1;
  showConnection('closed', `offline, again in ${Math.max(1, Math.round(wait / 1000))} s`);
  retryTimer = setTimeout(connect, wait);
}

function showConnection(state, words) {
  $('connection').dataset.state = state;
  $('connection').textContent = words;
  $('reconnect').hidden = state !== 'closed';
}

function notice({ error, code }) {
  $('notice').textContent = code ? `${error} (${code})` : String(error);
  $('notice').hidden = false;
  if (code === 'rate') pauseUntil = performance.now() + 1000;
}

// ---- Sending ------------------------------------------------------------------------

let pumping = false, wakeTimer = 0, pauseUntil = 0;

// One picture at a time is read and sent, the nearest to the view first, so neither memory
// nor the socket fills up, and a scroll changes what goes next.
async function pump() {
  if (pumping) return;
  pumping = true;
  try {
    for (let tile; (tile = nextTile());) await sendPicture(tile);
  } finally { pumping = false; }
}

function nextTile() {
  if (!isOpen() || unanswered.size >= MAX_UNANSWERED) return null;
  if (socket.bufferedAmount >= MAX_BUFFERED) return wakeIn(20);
  const now = performance.now();
  if (now < pauseUntil) return wakeIn(pauseUntil - now);
  let best = null, soonest = Infinity;
  for (const tile of tiles) {
    if (tile.state !== 'grey' || unanswered.has(tile.uuid)) continue;
    if (tile.notBefore > now) soonest = Math.min(soonest, tile.notBefore);
    else if (!best || distance(tile) < distance(best)) best = tile;
  }
  return best ?? (soonest < Infinity ? wakeIn(soonest - now) : null);
}

function wakeIn(ms) {
  clearTimeout(wakeTimer);
  wakeTimer = setTimeout(pump, ms);
  return null;
}

async function sendPicture(tile) {
  let bytes;
  try { bytes = await tile.bytes(); } catch { return fail(tile, 'This picture could not be read.', 'unreadable', true); }
  if (bytes.byteLength > MAX_PICTURE) return fail(tile, 'Larger than 32 MiB, the limit.', 'too_big', false);
  if (!isOpen() || tile.state !== 'grey' || unanswered.has(tile.uuid)) return;
  const header = new TextEncoder().encode(JSON.stringify({
    uuid: tile.uuid, offset_top: tile.top, height: tile.height, zoom: tile.zoom, rType: tile.rType,
    responseType: tile.rType === 'info' ? 'inline' : 'url', progress: true,
  }));
  const message = new Uint8Array(2 + header.length + bytes.byteLength);
  new DataView(message.buffer).setUint16(0, header.length);
  message.set(header, 2);
  message.set(new Uint8Array(bytes), 2 + header.length);
  tile.sentAt = performance.now();
  tile.size = message.length;
  unanswered.set(tile.uuid, tile);
  socket.send(message);
}

function say(message) {
  if (isOpen()) socket.send(JSON.stringify(message));
}

// ---- Answers ------------------------------------------------------------------------

function receive(text) {
  let answer;
  try { answer = JSON.parse(text); } catch { return; }
  if (answer === null || typeof answer !== 'object') return;
  const tile = unanswered.get(answer.uuid);
  if (!tile) {
    if (answer.error && answer.uuid === undefined) notice(answer);
    return;
  }
  if (answer.progress) return progress(tile, answer);
  if (answer.code === 'duplicate') return; // the first one is on its way and will be answered
  unanswered.delete(tile.uuid);
  if (isWaiting(tile)) finish(tile, answer);
  pump();
}

function progress(tile, { progress, position, stage }) {
  if (!isWaiting(tile)) return;
  if (progress === 'queued') setState(tile, 'queued', 'queued', String(position ?? ''));
  if (progress === 'working') setState(tile, 'working', stage ? `working · ${stage}` : 'working');
}

function finish(tile, { uuid, error, code, url, truncated, retry_after_ms, ...fields }) {
  if (code === 'refused' || code === 'displaced' || code === 'rate') {
    const wait = Math.min(Math.max(Number(retry_after_ms) || 1000, 100), 30000);
    tile.notBefore = performance.now() + wait;
    // Displaced only means that this picture was the last in its queue; full applies to all pictures.
    if (code !== 'displaced') pauseUntil = tile.notBefore;
    return setState(tile, 'grey', code === 'displaced' ? 'displaced, will be sent again' : 'service is full, will be sent again');
  }
  if (code === 'cancelled') { // nobody here gave it up, or it would not wait: the service is about to stop
    tile.notBefore = performance.now() + 1000;
    return setState(tile, 'grey', 'service stops, will be sent again');
  }
  if (code === 'expired' && ++tile.expired <= MAX_EXPIRED) return setState(tile, 'grey', 'waited too long, will be sent again');
  if (error !== undefined) fail(tile, String(error), String(code ?? ''), !/^bad_/.test(code));
  else {
    const took = performance.now() - tile.sentAt;
    answered(took);
    setState(tile, 'done');
    part(tile, 'detail').textContent += `${truncated ? ' · cut short' : ''} · ${Math.round(took)} ms`;
  }
  if (url !== undefined) showResult(tile, url);
  else if (error === undefined) showFields(tile, fields);
}

const webAddress = (text) => {
  try { const url = new URL(text, location.href); return /^https?:$/.test(url.protocol) ? url : null; } catch { return null; }
};

function showResult(tile, address) {
  const url = webAddress(address);
  if (!url) return fail(tile, 'The answer is not a web address.', 'bad_url', false);
  const link = part(tile, 'result'), image = new Image();
  image.alt = `${tile.name}, ${RESULTS[tile.rType]}`;
  image.loading = 'lazy';           // what is far away is fetched when it comes near
  image.onload = () => image.classList.add('shown');
  image.onerror = () => {
    // public_url may name an address that this reader cannot reach, such as localhost.
    const here = new URL(url.pathname + url.search, location.href).href;
    if (image.src !== here) image.src = link.href = here;
    else if (tile.state === 'done') {
      tile.unfetched = address;
      fail(tile, 'Done, but the result cannot be fetched.', 'unreachable', false);
    }
  };
  image.src = link.href = url.href;
  link.replaceChildren(image);
  link.hidden = false;
}

// The service is back after a pause, so results that could not be shown may be available again.
function fetchAgain() {
  for (const tile of tiles) {
    if (!tile.unfetched) continue;
    const address = tile.unfetched;
    tile.unfetched = '';
    setState(tile, 'done');
    showResult(tile, address);
  }
}

function showFields(tile, fields) {
  tile.element.dataset.inline = '';
  part(tile, 'status').textContent = Object.entries(fields).slice(0, 5)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`.slice(0, 60)).join('\n');
}

// The picture as it was sent lies over the result while the reader points at it.
function showSent(tile) {
  const link = part(tile, 'result');
  if (tile.state !== 'done' || link.querySelector('.before')) return;
  const before = new Image();
  before.className = 'before';
  before.alt = '';
  before.onload = () => before.classList.add('shown');
  before.src = tile.url;
  link.append(before);
}
