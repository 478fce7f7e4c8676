// The counters, and the map of the whole page beside its scroll bar.
'use strict';

let run = { from: 0, last: 0, answered: 0 }, latencies = [], frame = 0, drawTimer = 0, liveTimer = 0;
function beginRun() {
  run = { from: performance.now(), last: 0, answered: 0 };
  latencies = [];
}
function answered(ms) {
  run.answered += 1;
  run.last = performance.now();
  latencies.push(ms);
  if (latencies.length > 500) latencies.shift();
}

// Many answers are drawn together; the reader's own movements are drawn with the next frame.
function changed() { drawTimer ||= setTimeout(drawSoon, DRAW_EVERY); }
function drawSoon() { frame ||= requestAnimationFrame(draw); }

function write(id, text) {
  if ($(id).textContent !== String(text)) $(id).textContent = text;
}

function draw() {
  clearTimeout(drawTimer);
  frame = drawTimer = 0;
  const left = waiting(), total = left + counts.done + counts.cancelled + counts.error;
  const seen = tiles.filter((tile) => distance(tile) === 0);
  write('count-done', counts.done);
  write('count-waiting', left);
  write('count-cancelled', counts.cancelled);
  write('count-errors', counts.error);
  write('in-view', seen.length ? `${seen.filter((tile) => tile.state === 'done').length} of ${seen.length}` : '–');
  const seconds = (run.last - run.from) / 1000;
  write('rate', run.answered && seconds > 0 ? (run.answered / seconds).toFixed(run.answered / seconds < 10 ? 1 : 0) : '–');
  write('latency', latencies.length ? Math.round([...latencies].sort((a, b) => a - b)[latencies.length >> 1]) : '–');
  $('progress').firstElementChild.style.transform = `scaleX(${total ? (total - left) / total : 0})`;
  drawMap();
  // Spoken at most every two seconds: one sentence for all that happened.
  liveTimer ||= setTimeout(() => {
    liveTimer = 0;
    const problems = `${counts.error ? `, ${counts.error} errors` : ''}${counts.cancelled ? `, ${counts.cancelled} cancelled` : ''}`;
    const words = tiles.length ? `${counts.done} done, ${waiting()} waiting${problems}` : '';
    write('live', words);
  }, 2000);
}

let place = { from: 0, scale: 1 };  // how the map's y belongs to the page's
function drawMap() {
  if (tiles.length === 0) return;
  const canvas = $('map').firstElementChild, ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const style = getComputedStyle(document.documentElement);
  const tone = (name) => style.getPropertyValue('--' + name);
  const paint = canvas.getContext('2d');
  const end = tiles[tiles.length - 1], list = $('tiles').getBoundingClientRect();
  const from = tiles[0].top, across = width / list.width;
  // A short page keeps cells of a pleasant shape; a long one is pressed into the strip.
  const scale = Math.min((height - 4) / (end.top + end.height - from), across * 2.6);
  place = { from, scale };
  paint.setTransform(ratio, 0, 0, ratio, 0, 2 * ratio);
  paint.clearRect(0, -2, width, height);
  const tones = Object.fromEntries(Object.keys(counts).map((state) => [state, tone(state)]));
  paint.strokeStyle = tone('grey');
  paint.lineWidth = 1;
  for (const tile of tiles) {
    const left = (tile.left - list.left) * across, top = (tile.top - from) * scale;
    const wide = Math.max(1, tile.width * across - 0.5), tall = Math.max(1, tile.height * scale);
    paint.fillStyle = tones[tile.state];
    paint.fillRect(left, top, wide, tall);
    if (tile.state === 'cancelled' && tall > 4) paint.strokeRect(left + 0.5, top + 0.5, wide - 1, tall - 1);
  }
  const top = Math.max(0, (view.top - from) * scale), bottom = Math.min((view.top + view.height - from) * scale, (end.top + end.height - from) * scale);
  if (bottom <= top) return;
  paint.strokeStyle = tone('ink');
  paint.lineWidth = 2;
  paint.beginPath();
  paint.roundRect(1, top, width - 2, Math.max(6, bottom - top), 3);
  paint.stroke();
}

function scrollByMap(event) {
  if (event.buttons === 0) return;
  const y = event.clientY - $('map').firstElementChild.getBoundingClientRect().top;
  scrollTo({ top: place.from + y / place.scale - view.height / 2 });
}
