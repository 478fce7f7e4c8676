// The page's bounds, and the choices that it offers.
'use strict';

const MAX_BUFFERED = 1 << 20;       // bytes the socket may hold unsent before the page waits
const MAX_UNANSWERED = 400;         // pictures; the service's share for one client is 512
const MAX_PICTURE = 32 * 2 ** 20 - 4096; // bytes; a larger message would cost the connection
const MAX_HEAD = 60;                // offsets in one message: the service reads 4 KiB of head
const MAX_EXPIRED = 3;             // times that a picture is sent again after it waited too long
const VIEWPORT_EVERY = 100;         // ms between viewport messages
const RETRY_FIRST = 500, RETRY_LAST = 15000; // ms between attempts to connect
const DRAW_EVERY = 80;              // ms between two drawings of the counters and the map
const STEADY_AFTER = 5000;          // ms that a connection must hold to count as sound

const RESULTS = { rl: 'Grey', small: 'Small', soft: 'Soft', crisp: 'Crisp', info: 'Info', mix: 'Mix' };
const ZOOMS = { '0.25': '¼', '0.5': '½', '1.0': '1', '1.5': '1½', mix: 'Mix' };
const AMOUNTS = { 120: '120', 400: '400', 1000: '1000' };
const MIXED_RESULTS = ['rl', 'rl', 'crisp', 'rl', 'soft', 'rl', 'small'];
const MIXED_ZOOMS = ['0.5', '1.0', '0.25', '0.5', '1.0'];
const SAMPLES = ['dusk-ridges.jpg', 'aurora.jpg', 'dunes.jpg', 'lavender.jpg', 'moon-lake.jpg', 'ink.webp', 'alps.jpg',
  'fog-forest.jpg', 'canyon.jpg', 'paper-hills.png', 'nebula.jpg', 'sea.jpg', 'autumn.jpg', 'flow-field.jpg'];

const $ = (id) => document.getElementById(id);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
