// SPDX-License-Identifier: MIT
//
// A Node program and the faults of its mappings: node embedder.js MODE CASE.
//
// MODE says who handles SIGBUS (modes), CASE what happens then (cases). docs/embedding.md has the results.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const nosigbus = require('./nosigbus.js');
const { native, Region } = nosigbus;

const page = 4096;
const pages = 16;
const size = page * pages;
const fill = 0x5a;

const modes = {
  none() {},
  installed: () => nosigbus.install(),
  segv: () => nosigbus.install(nosigbus.CATCH_SEGV),
  own: () => native.own(),
  displaced() {
    nosigbus.install();
    native.reportCrashes();
  },
  rearmed() {
    modes.displaced();
    nosigbus.rearm();
  },
};

// A file without a name, full of `fill`.
function newFile() {
  const name = path.join(os.tmpdir(), `embedder-node-${process.pid}-${Math.random()}`);
  const fd = fs.openSync(name, 'wx+');
  fs.unlinkSync(name);
  fs.writeSync(fd, Buffer.alloc(size, fill), 0, size, 0);
  return fd;
}

// Adds up the byte of each page that says whether it is the file's.
function sumFirst(buffer) {
  const bytes = new Uint8Array(buffer);
  let total = 0;
  for (let at = 0; at < bytes.length; at += page) total += bytes[at];
  return total;
}

// A mapping that nosigbus knows nothing of, of which one page is left.
function newForeign() {
  const fd = newFile();
  const buffer = native.mapPlain(fd, size);
  fs.ftruncateSync(fd, page);
  fs.closeSync(fd);
  return buffer;
}

function readRegion() {
  const fd = newFile();
  const region = Region.map(fd, size);
  const buffer = region.buffer();
  assert.strictEqual(sumFirst(buffer), pages * fill);
  assert.strictEqual(region.firstBadOffset(), undefined);

  fs.ftruncateSync(fd, page);
  assert.strictEqual(sumFirst(buffer), fill);
  assert.strictEqual(region.firstBadOffset(), page);
  assert.ok(Buffer.from(buffer).subarray(page).equals(Buffer.alloc(size - page)));

  fs.writeSync(fd, Buffer.alloc(size, fill), 0, size, 0);
  assert.ok(region.refresh());
  assert.strictEqual(sumFirst(buffer), pages * fill);
  region.close();
  fs.closeSync(fd);
}

// Code that V8 has compiled, of which each round faults.
function readCompiled() {
  const fd = newFile();
  const region = Region.map(fd, size);
  const buffer = region.buffer();
  for (let round = 0; round < 2000; ++round) {
    fs.ftruncateSync(fd, page);
    assert.strictEqual(sumFirst(buffer), fill);
    fs.writeSync(fd, Buffer.alloc(size, fill), 0, size, 0);
    assert.ok(region.refresh());
    assert.strictEqual(sumFirst(buffer), pages * fill);
  }
  region.close();
}

function inWorker(data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: data });
    worker.on('error', reject);
    worker.on('message', resolve);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`worker: ${code}`))));
  });
}

// Workers that read while it happens. Each ends when it has met the missing part.
async function race() {
  const fd = newFile();
  const region = Region.map(fd, size);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const readers = [0, 1, 2].map(() => inWorker({ work: 'readUntilCut', id: region.id, gate }));
  while (Atomics.load(gate, 0) < readers.length) await new Promise(setImmediate);
  fs.ftruncateSync(fd, page);
  await Promise.all(readers);
  assert.strictEqual(sumFirst(region.buffer()), fill);
  region.close();
}

const works = {
  readRegion,
  readForeign: () => console.log(sumFirst(newForeign())),
  outOfBounds,
  readUntilCut({ id, gate }) {
    const buffer = new Region(id).buffer();
    assert.strictEqual(sumFirst(buffer) % fill, 0);
    Atomics.add(gate, 0, 1);
    while (sumFirst(buffer) !== fill);
  },
};

function safeRead() {
  const copy = new Uint8Array(size).fill(1);
  assert.strictEqual(nosigbus.safeRead(copy.buffer, newForeign()), page);
  assert.ok(copy.subarray(0, page).every((byte) => byte === fill));
  assert.ok(copy.subarray(page).every((byte) => byte === 0));
}

// (module (memory 1) (func (export "load") (param i32) (result i32) local.get 0 i32.load))
const wasm = Uint8Array.from([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f, 0x03, 0x02,
  0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x08, 0x01, 0x04, 0x6c, 0x6f, 0x61, 0x64, 0x00, 0x00, 0x0a,
  0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x28, 0x02, 0x00, 0x0b,
]);

// WebAssembly out of bounds: V8 has SIGSEGV for that, and makes an exception of it.
function outOfBounds() {
  const { load } = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports;
  for (let round = 0; round < 1000; ++round) {
    assert.strictEqual(load(0), 0);
    assert.throws(() => load(-65536), WebAssembly.RuntimeError);
  }
  console.log('RuntimeError');
}

// The mapping lasts as long as an ArrayBuffer, and no longer.
async function collect() {
  const fd = newFile();
  const isMapped = () => fs.readFileSync('/proc/self/maps', 'latin1').includes('embedder-node-');
  let buffer = (() => {
    const region = Region.map(fd, size);
    const first = region.buffer();
    region.close();
    for (const use of ['buffer', 'refresh', 'firstBadOffset', 'close'])
      assert.throws(() => region[use](), { code: 'EBADF' });
    return first;
  })();
  fs.ftruncateSync(fd, page);
  assert.strictEqual(sumFirst(buffer), fill);
  assert.ok(isMapped());
  buffer = undefined;
  while (isMapped()) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
}

function check() {
  try {
    nosigbus.check();
    console.log('check: 0');
  } catch (error) {
    console.log(`check: ${-error.errno}`);
  }
}

const cases = {
  region: readRegion,
  'region-worker': () => inWorker({ work: 'readRegion' }),
  compiled: readCompiled,
  race,
  collect,
  'safe-read': safeRead,
  guard: () => assert.strictEqual(native.guardedLength(newForeign()), page),
  foreign: works.readForeign,
  'foreign-worker': () => inWorker({ work: 'readForeign' }),
  wasm: outOfBounds,
  'wasm-worker': () => inWorker({ work: 'outOfBounds' }),
  recursion() {
    const endless = () => endless() + 1;
    assert.throws(endless, RangeError);
    console.log('RangeError');
  },
  sent() {
    process.kill(process.pid, 'SIGBUS');
    setInterval(() => {}, 1000);
  },
  check,
  owner() {
    console.log(`SIGBUS: ${native.describe(os.constants.signals.SIGBUS)}`);
    console.log(`SIGSEGV: ${native.describe(os.constants.signals.SIGSEGV)}`);
  },
};

if (isMainThread) {
  const [mode, what] = process.argv.slice(2);
  modes[mode]();
  cases[what]();
} else {
  works[workerData.work](workerData);
}
