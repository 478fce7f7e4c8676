// The tiles: one for each picture, with its state and its position on the page.
'use strict';

// ---- Tiles --------------------------------------------------------------------------

// grey → queued → working → done | error | cancelled. `unanswered` is apart from the state:
// a picture given up by the reader holds its place in the service until its answer comes.

let tiles = [];                     // in the order of the page
const unanswered = new Map();       // uuid → tile
const counts = { grey: 0, queued: 0, working: 0, done: 0, cancelled: 0, error: 0 };
const isWaiting = (tile) => tile.state === 'grey' || tile.state === 'queued' || tile.state === 'working';
const waiting = () => counts.grey + counts.queued + counts.working;

// crypto.randomUUID is missing if the page was loaded over plain http from another machine.
function newUuid() {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

let turn = 0;                       // walks through the mixed choices
function addTiles(pictures) {
  const form = new FormData(document.forms[0]);
  if (waiting() === 0) beginRun();
  const added = pictures.map(({ name, url, bytes }) => {
    const rType = form.get('result') === 'mix' ? MIXED_RESULTS[turn % MIXED_RESULTS.length] : form.get('result');
    const zoom = form.get('zoom') === 'mix' ? MIXED_ZOOMS[turn % MIXED_ZOOMS.length] : form.get('zoom');
    turn += 1;
    const element = $('tile').content.firstElementChild.cloneNode(true);
    const tile = { uuid: newUuid(), name, url, bytes, rType, zoom: Number(zoom), state: 'grey', element, notBefore: 0, expired: 0, unfetched: '', top: 0, left: 0, width: 1, height: 1 };
    element.dataset.uuid = tile.uuid;
    part(tile, 'name').textContent = name;
    part(tile, 'name').title = name;
    part(tile, 'detail').textContent = `${RESULTS[rType]} · ${ZOOMS[zoom]}`;
    part(tile, 'close').onclick = () => (isWaiting(tile) ? cancel(tile) : remove(tile));
    part(tile, 'again').onclick = () => { setState(tile, 'grey'); pump(); };
    part(tile, 'result').onpointerenter = part(tile, 'result').onfocus = () => showSent(tile);
    counts.grey += 1;
    label(tile);
    return tile;
  });
  tiles.push(...added);
  $('tiles').append(...added.map((tile) => tile.element));
  measure();
  changed();
  added[0].element.scrollIntoView({ block: added.length > 1 ? 'start' : 'nearest', behavior: calm.matches ? 'auto' : 'smooth' });
  pump();
}

const part = (tile, name) => tile.element.querySelector('.' + name);

function setState(tile, state, words = '', number = '') {
  counts[tile.state] -= 1;
  counts[state] += 1;
  delete tile.element.dataset.stale;
  tile.state = tile.element.dataset.state = state;
  part(tile, 'status').textContent = words;
  part(tile, 'number').textContent = number;
  part(tile, 'code').hidden = part(tile, 'again').hidden = true;
  label(tile);
  changed();
}

function label(tile) {
  part(tile, 'close').setAttribute('aria-label', `${isWaiting(tile) ? 'Give up' : 'Remove'} ${tile.name}`);
}

function cancel(tile) {
  if (unanswered.has(tile.uuid)) say({ type: 'cancel', uuid: tile.uuid });
  setState(tile, 'cancelled', 'cancelled');
}

function remove(tile) {
  const place = tiles.indexOf(tile);
  tiles.splice(place, 1);
  const hadFocus = tile.element.contains(document.activeElement);
  tile.element.remove();
  release(tile);
  const next = tiles[Math.min(place, tiles.length - 1)];
  if (hadFocus) (next ? part(next, 'close') : $('choose')).focus();
  measure();
  changed();
}

function clear() {
  for (const tile of tiles) {
    if (isWaiting(tile)) cancel(tile);
    release(tile);
  }
  for (const state in counts) counts[state] = 0;
  tiles = [];
  turn = 0;
  $('tiles').replaceChildren();
  measure();
  changed();
  scrollTo({ top: 0 });
  $('samples').focus({ preventScroll: true });
}

// The browser keeps a chosen file for as long as an address for it exists.
function release(tile) {
  if (tile.url.startsWith('blob:')) URL.revokeObjectURL(tile.url);
}

// The service's texts go into the page as text only; see also `webAddress`.
function fail(tile, words, code, mayHelp) {
  setState(tile, 'error', words);
  part(tile, 'code').textContent = code;
  part(tile, 'code').hidden = !code;
  part(tile, 'again').hidden = !mayHelp;
}

// ---- Where everything is ------------------------------------------------------------

// Reading positions makes the browser lay the page out, so it is done once per change.
function measure() {
  document.body.classList.toggle('mapped', tiles.length > 0);
  $('map').hidden = $('bar').hidden = tiles.length === 0;
  look();
  const moved = [];
  for (const tile of tiles) {
    const box = tile.element.getBoundingClientRect();
    const top = Math.round(box.top + view.top);
    if (top !== tile.top && tile.state !== 'working' && unanswered.has(tile.uuid)) moved.push([tile.uuid, top]);
    Object.assign(tile, { top, left: box.left, width: box.width, height: Math.round(box.height) });
  }
  for (let i = 0; i < moved.length; i += MAX_HEAD) {
    say({ type: 'reprioritise', offsets: Object.fromEntries(moved.slice(i, i + MAX_HEAD)) });
  }
}

// 0 in view, else the distance from it in px.
const distance = (tile) => Math.max(0, tile.top - (view.top + view.height), view.top - (tile.top + tile.height));

// Kept here because reading it from the window makes the browser lay the page out, at every answer.
const view = { top: scrollY, height: innerHeight };
const look = () => Object.assign(view, { top: scrollY, height: innerHeight });

let viewportTimer = 0;
function viewportMoved() {
  look();
  drawSoon();
  viewportTimer ||= setTimeout(() => { viewportTimer = 0; sayViewport(); pump(); }, VIEWPORT_EVERY);
}
function sayViewport() {
  say({ type: 'viewport', top: Math.round(view.top), height: view.height });
  for (const tile of tiles) if (tile.state === 'queued') tile.element.dataset.stale = '';
}
