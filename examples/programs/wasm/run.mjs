// Runs a WebAssembly module with WASI. It has the input and the output of this program, and neither
// files nor a network: node run.mjs shout.wasm

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

const [, , file, ...args] = process.argv;
const wasi = new WASI({ version: "preview1", args: [file, ...args], env: process.env });
const module = new WebAssembly.Module(readFileSync(file));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
