// SPDX-License-Identifier: MIT
//
// nosigbus for Node: the handler, regions and guarded copies. Workers may load it, too.
'use strict';

const os = require('node:os');
const util = require('node:util');
const native = require('./nosigbus.node');

// What the C side says in negative numbers.
function checked(what, result) {
  if (typeof result !== 'number' || result >= 0) return result;
  const code = util.getSystemErrorName(result);
  throw Object.assign(new Error(`${what}: ${code}`), { code, errno: result, syscall: what });
}

// A mapping of a file whose missing pages read as zeros.
class Region {
  #id;

  // fd: a file that can be read; it may be closed afterwards. length: bytes, may be more than the file has.
  static map(fd, length) {
    return new Region(checked('nosigbus_map', native.map(fd, length)));
  }

  // id: of a region that is open, in this thread or another: `region.id` as it came with a message. Closing ends
  // it for all of them, while their buffers last.
  constructor(id) {
    this.#id = id;
  }

  get id() {
    return this.#id;
  }

  // An ArrayBuffer over the region. The mapping lasts as long as one of them, also after close. It is for reading:
  // whoever writes to it ends the process by SIGSEGV.
  buffer() {
    return checked('buffer', native.buffer(this.#id));
  }

  // Offset of the first byte that is zero because the file lacks it; undefined while the region is whole.
  firstBadOffset() {
    const offset = native.firstBadOffset(this.#id);
    return offset === -os.constants.errno.ENOENT ? undefined : checked('firstBadOffset', offset);
  }

  // Puts the file's pages back where it has grown again. Whether the region is whole now.
  refresh() {
    return checked('nosigbus_region_refresh', native.refresh(this.#id)) === 1;
  }

  close() {
    checked('close', native.close(this.#id));
  }
}

module.exports = {
  Region,
  CATCH_SEGV: 1,
  // In front of what Node has installed, once for all threads.
  install: (flags = 0) => checked('nosigbus_install', native.install(flags)),
  // Throws EBUSY where another handler is in front, EPERM where this thread blocks SIGBUS.
  check: () => checked('nosigbus_check', native.check()),
  rearm: () => checked('nosigbus_rearm', native.rearm()),
  // Copies from an ArrayBuffer that may be missing; the number of bytes before the first bad one.
  safeRead: (destination, source) => checked('nosigbus_safe_read', native.safeRead(destination, source)),
  native,
};
