// sharp at the work, in a process of its own: `sharp.mjs FOLDER`, where FOLDER has node_modules.
// It speaks as peer.py does.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const sharp = createRequire(join(process.argv[2], "x"))("sharp");
sharp.concurrency(1);
sharp.cache(false);

// optimiseCoding off: nobody else in the comparison pays for a second pass over the coefficients.
const jpeg = { quality: 95, chromaSubsampling: "4:2:0", optimiseCoding: false };

async function work(file, received, result, zoom, [width, height]) {
    writeFileSync(received, file);
    const picture = sharp(file);
    if (zoom !== 1) picture.resize(width, height);
    await picture.jpeg(jpeg).toFile(result);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => (await lines.next()).value;

for (let line; (line = await next()) !== undefined; ) {
    const { messages, zoom, size, folder } = JSON.parse(line);
    const pictures = readFileSync(messages, "latin1").trim().split("\n");
    console.log("ready");
    await next();
    for (const [at, message] of pictures.entries()) {
        const received = join(folder, `${at}.jpg`);
        const result = join(folder, `rb_${at}.jpg`);
        await work(Buffer.from(message, "base64"), received, result, zoom, size);
    }
    console.log("done");
}
