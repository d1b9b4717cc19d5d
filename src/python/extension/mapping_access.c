/* SPDX-License-Identifier: MIT
 *
 * Guarded copies between the mapping and Python's objects.
 */
#include "mapping.h"

#include <errno.h>
#include <nosigbus/copy.h>
#include <sys/mman.h>
#include <unistd.h>

bool mapping_is_open(const mapping* self) {
  if (self->data != NULL) return true;
  PyErr_SetString(PyExc_ValueError, "mmap closed or invalid");
  return false;
}

bool mapping_can_read(const mapping* self) {
  if (!mapping_is_open(self)) return false;
  /* Reading would be SIGSEGV. What can be written can be read, on every processor that there is a port for.
   */
  if ((self->prot & (PROT_READ | PROT_WRITE)) != 0) return true;
  PyErr_SetString(PyExc_TypeError, "mmap can't read a memory map without PROT_READ.");
  return false;
}

bool mapping_can_write(const mapping* self) {
  if (self->access != access_read) return true;
  PyErr_SetString(PyExc_TypeError, "mmap can't modify a readonly memory map.");
  return false;
}

PyThreadState* mapping_leave_python(mapping* self, Py_ssize_t count) {
  if (count < worth_releasing_gil) return NULL;
  const pid_t process = getpid();
  if (self->users_process != process) self->users = 0;
  self->users_process = process;
  self->users++;
  return PyEval_SaveThread();
}

void mapping_enter_python(mapping* self, PyThreadState* state) {
  if (state == NULL) return;
  PyEval_RestoreThread(state);
  self->users--;
}

bool mapping_in_use(const mapping* self) { return self->users > 0 && self->users_process == getpid(); }

static const char* reason(enum nosigbus_cause cause) {
  switch (cause) {
    case NOSIGBUS_EOF:
      return "the file ends before it";
    case NOSIGBUS_IO:
      return "input/output error, or no space for it";
    case NOSIGBUS_POISON:
      return "the memory is damaged";
    case NOSIGBUS_UNMAPPED:
      return "nothing is mapped there";
    case NOSIGBUS_PROTECTED:
      return "not permitted";
    default:
      return "it cannot be supplied";
  }
}

void mapping_raise_fault(const mapping* self, const struct nosigbus_fault* fault, size_t done) {
  const uintptr_t base = (uintptr_t)self->data;
  const bool inside = fault->address >= base && fault->address - base < (size_t)self->size;
  PyObject* const offset = inside ? PyLong_FromSize_t(fault->address - base) : Py_NewRef(Py_None);
  PyObject* const tuple = fault_tuple(fault);
  PyObject* const type = PyObject_GetAttrString((PyObject*)Py_TYPE((PyObject*)self), "_FaultError");
  PyObject* message = NULL;
  PyObject* error = NULL;
  if (offset == NULL || tuple == NULL || type == NULL) goto out;
  message = inside ? PyUnicode_FromFormat("cannot %s mmap at offset %zu: %s",
                                          fault->access == NOSIGBUS_WRITE ? "write to" : "read",
                                          (size_t)(fault->address - base), reason(fault->cause))
                   : PyUnicode_FromFormat("cannot read the source: %s", reason(fault->cause));
  if (message == NULL) goto out;
  error = PyObject_CallFunction(type, "iO", EFAULT, message);
  if (error == NULL) goto out;
  PyObject* const count = PyLong_FromSize_t(done);
  if (count != NULL && PyObject_SetAttrString(error, "done", count) == 0 &&
      PyObject_SetAttrString(error, "offset", offset) == 0 &&
      PyObject_SetAttrString(error, "_fault", tuple) == 0) {
    PyErr_SetObject(type, error);
  }
  Py_XDECREF(count);
out:
  Py_XDECREF(error);
  Py_XDECREF(message);
  Py_XDECREF(type);
  Py_XDECREF(tuple);
  Py_XDECREF(offset);
}

/* The record is the thread's, and the next guarded operation's: it is looked at before anything else is done.
 */
static bool complete(const mapping* self, size_t done, Py_ssize_t count, PyThreadState* state) {
  struct nosigbus_fault fault = {0};
  const bool all = done == (size_t)count;
  if (!all) fault = *nosigbus_last_fault();
  mapping_enter_python((mapping*)self, state);
  if (!all) mapping_raise_fault(self, &fault, done);
  return all;
}

bool mapping_read(mapping* self, void* to, Py_ssize_t offset, Py_ssize_t count) {
  PyThreadState* const state = mapping_leave_python(self, count);
  return complete(self, nosigbus_safe_read(to, self->data + offset, (size_t)count), count, state);
}

bool mapping_write(mapping* self, Py_ssize_t offset, const void* from, Py_ssize_t count) {
  PyThreadState* const state = mapping_leave_python(self, count);
  return complete(self, nosigbus_safe_write(self->data + offset, from, (size_t)count), count, state);
}

/* All from the lowest to the highest of a few bytes, so that there are few calls. None of it is in a page
 * that has no byte wanted. False: one cannot be read, and who goes byte by byte finds out which. */
static bool gather(const mapping* self, char* to, Py_ssize_t offset, Py_ssize_t step, Py_ssize_t count) {
  char buffer[4096];
  const Py_ssize_t stride = step < 0 ? -step : step, most = (Py_ssize_t)sizeof buffer / stride;
  for (Py_ssize_t done = 0, n; done < count; done += n) {
    n = count - done < most ? count - done : most;
    const Py_ssize_t first = offset + done * step, span = (n - 1) * stride;
    const char* const lowest = self->data + (step < 0 ? first - span : first);
    if (nosigbus_safe_read(buffer, lowest, (size_t)span + 1) != (size_t)span + 1) return false;
    const char* from = step < 0 ? buffer + span : buffer;
    for (Py_ssize_t i = 0; i < n; ++i, from += step) to[done + i] = *from;
  }
  return true;
}

bool mapping_read_stepwise(mapping* self, void* to, Py_ssize_t offset, Py_ssize_t step, Py_ssize_t count) {
  PyThreadState* const state = mapping_leave_python(self, count);
  const bool gathered = step >= -64 && step <= 64 && gather(self, to, offset, step, count);
  const size_t wanted = (size_t)count;
  const size_t done = gathered ? wanted : nosigbus_safe_read_2d(to, 1, self->data + offset, step, 1, wanted);
  return complete(self, done, count, state);
}

/* By way of a buffer: nothing is written in place of what cannot be read. Bytes can, being Python's own
 * memory. The last operation is the one that failed: what was read in front of a bad byte is written, and
 * that byte read again. */
bool mapping_write_buffer(mapping* self, Py_ssize_t offset, Py_ssize_t step, const Py_buffer* source) {
  char buffer[16384];
  const size_t count = (size_t)source->len;
  const bool good = PyBytes_Check(source->obj) || PyByteArray_Check(source->obj);
  if (step == 1 && good) return mapping_write(self, offset, source->buf, source->len);
  PyThreadState* const state = mapping_leave_python(self, source->len);
  size_t done = 0, got, put;
  do {
    const size_t left = count - done;
    const char* const from = (const char*)source->buf + done;
    char* const to = self->data + offset + (Py_ssize_t)done * step;
    got = nosigbus_safe_read(buffer, from, left < sizeof buffer ? left : sizeof buffer);
    if (got == 0) break;
    put = step == 1 ? nosigbus_safe_write(to, buffer, got)
                    : nosigbus_safe_write_2d(to, step, buffer, 1, 1, got);
    done += put;
  } while (put == got && done < count);
  return complete(self, done, source->len, state);
}

PyObject* mapping_bytes(mapping* self, Py_ssize_t offset, Py_ssize_t count) {
  PyObject* const result = PyBytes_FromStringAndSize(NULL, count);
  if (result == NULL || count == 0) return result;
  if (mapping_read(self, PyBytes_AsString(result), offset, count)) return result;
  Py_DECREF(result);
  return NULL;
}
