/* SPDX-License-Identifier: MIT
 *
 * nosigbus.mmap, but for what nosigbus/__init__.py adds. A file is a region; anonymous memory, which nobody
 * can cut off, is an ordinary mapping.
 *
 * Everything that Python asks of the object itself reaches the memory by guarded operations: what the region
 * does not absorb (writes, I/O errors, poison) is an exception. Only who takes a buffer of it (numpy,
 * memoryview) reads and writes the memory directly, with what the region absorbs for protection.
 */
#ifndef NOSIGBUS_PYTHON_MAPPING_H
#define NOSIGBUS_PYTHON_MAPPING_H

#include "python.h"

#include <nosigbus/region.h>
#include <stdbool.h>
#include <sys/types.h>

/* The constants of Python's mmap module, which has them in its source only. */
enum access { access_default, access_read, access_write, access_copy };

/* Written and read with the GIL held. */
typedef struct {
  PyObject_HEAD
      /* NULL once it is closed. */
      char* data;
  Py_ssize_t size;
  /* Where read() goes on; may be behind the end after resize(). */
  Py_ssize_t position;
  /* In the file. */
  long long offset;
  /* NULL: anonymous memory. */
  struct nosigbus_region* region;
  /* Buffers that somebody has: the memory has to stay where it is. */
  Py_ssize_t exports;
  /* Threads that are at work in the memory without the GIL, and the process that has them: a child of fork
   * does not. */
  Py_ssize_t users;
  pid_t users_process;
  PyObject* weak_references;
  /* A duplicate of the caller's; -1: none. */
  int fd;
  int prot;
  enum access access;
  bool private_pages;
  unsigned guard;
} mapping;

/* mapping_new.c */
PyObject* mapping_new(PyTypeObject* type, PyObject* args, PyObject* keywords);
void mapping_dealloc(mapping* self);
PyObject* mapping_close(mapping* self, PyObject* unused);

/* mapping_access.c: what reaches the memory. Ranges are within the mapping. */

/* Each returns true, or false with ValueError (closed) or TypeError set. */
bool mapping_is_open(const mapping* self);
bool mapping_can_read(const mapping* self);
bool mapping_can_write(const mapping* self);
/* Each returns true, or false with FaultError set: what could not be read or written. mapping_write_buffer:
 * of the source, too. step: bytes between two neighbours, for single bytes. */
bool mapping_read(mapping* self, void* to, Py_ssize_t offset, Py_ssize_t count);
bool mapping_write(mapping* self, Py_ssize_t offset, const void* from, Py_ssize_t count);
bool mapping_read_stepwise(mapping* self, void* to, Py_ssize_t offset, Py_ssize_t step, Py_ssize_t count);
bool mapping_write_buffer(mapping* self, Py_ssize_t offset, Py_ssize_t step, const Py_buffer* source);
/* A bytes object, or NULL with an exception. */
PyObject* mapping_bytes(mapping* self, Py_ssize_t offset, Py_ssize_t count);
/* What the calling thread's last guarded operation met, as FaultError. done: bytes that it had done. */
void mapping_raise_fault(const mapping* self, const struct nosigbus_fault* fault, size_t done);

/* Other threads run while this one works on worth_releasing_gil bytes or more; memory stays where it is:
 * close() and resize() refuse. mapping_enter_python undoes it, and keeps errno. */
/* In place of a number of bytes: a system call, which may wait. */
#define MAPPING_WAITS PY_SSIZE_T_MAX
PyThreadState* mapping_leave_python(mapping* self, Py_ssize_t count);
void mapping_enter_python(mapping* self, PyThreadState* state);
bool mapping_in_use(const mapping* self);

/* mapping_file.c */
PyObject* mapping_file_read(mapping* self, PyObject* args);
PyObject* mapping_readline(mapping* self, PyObject* unused);
PyObject* mapping_read_byte(mapping* self, PyObject* unused);
PyObject* mapping_file_write(mapping* self, PyObject* args);
PyObject* mapping_write_byte(mapping* self, PyObject* args);
PyObject* mapping_seek(mapping* self, PyObject* args);
PyObject* mapping_tell(mapping* self, PyObject* unused);

/* mapping_search.c */
PyObject* mapping_find(mapping* self, PyObject* args);
PyObject* mapping_rfind(mapping* self, PyObject* args);
PyObject* mapping_move(mapping* self, PyObject* args);

/* mapping_sequence.c */
Py_ssize_t mapping_length(mapping* self);
PyObject* mapping_get_item(mapping* self, Py_ssize_t index);
int mapping_set_item(mapping* self, Py_ssize_t index, PyObject* value);
PyObject* mapping_subscript(mapping* self, PyObject* item);
int mapping_set_subscript(mapping* self, PyObject* item, PyObject* value);
int mapping_get_buffer(mapping* self, Py_buffer* view, int flags);
void mapping_release_buffer(mapping* self, Py_buffer* view);

/* mapping_system.c */
PyObject* mapping_file_size(mapping* self, PyObject* unused);
PyObject* mapping_resize(mapping* self, PyObject* args);
PyObject* mapping_flush(mapping* self, PyObject* args);
PyObject* mapping_madvise(mapping* self, PyObject* args);

/* mapping_status.c */
PyObject* mapping_status(mapping* self, PyObject* unused);
PyObject* mapping_refresh(mapping* self, PyObject* unused);
PyObject* mapping_begin(mapping* self, PyObject* unused);
PyObject* mapping_end(mapping* self, PyObject* args);

/* mapping_type.c */
extern PyType_Spec g_mapping_spec;

#endif
