/* SPDX-License-Identifier: MIT
 *
 * Searching, and moving bytes within the mapping.
 */
#include "mapping.h"

#include <nosigbus/copy.h>
#include <nosigbus/guard.h>
#include <string.h>

struct search {
  const char* begin;
  size_t length;
  const char* needle;
  size_t needle_length;
  bool backwards;
  const char* found;
};

/* By way of the needle's first byte, which is much faster than memmem while it is rare, and quadratic when it
 * is not: then memmem does the rest. */
static const char* first_match(const struct search* what) {
  if (what->needle_length == 0) return what->begin;
  const char* at = what->begin;
  const char* const last = what->begin + (what->length - what->needle_length);
  for (size_t false_ones = 0; at <= last; ++at) {
    at = memchr(at, what->needle[0], (size_t)(last - at) + 1);
    if (at == NULL || memcmp(at, what->needle, what->needle_length) == 0) return at;
    if (++false_ones * 64 > (size_t)(at - what->begin) + 1024) {
      return memmem(at, (size_t)(last - at) + what->needle_length, what->needle, what->needle_length);
    }
  }
  return NULL;
}

static const char* last_match(const struct search* what) {
  if (what->needle_length == 0) return what->begin + what->length;
  size_t starts = what->length - what->needle_length + 1;
  const char* found;
  while ((found = memrchr(what->begin, what->needle[0], starts)) != NULL) {
    if (memcmp(found, what->needle, what->needle_length) == 0) break;
    starts = (size_t)(found - what->begin);
  }
  return found;
}

/* Below a guard: what the region does not absorb ends it, wherever in libc it is, and so does what is missing
 * of the needle. It looks at nothing else. */
static int search(void* arg) {
  struct search* const what = arg;
  what->found = what->backwards ? last_match(what) : first_match(what);
  return 0;
}

static Py_ssize_t clamp(Py_ssize_t index, Py_ssize_t size) {
  if (index < 0) index += size;
  if (index < 0) return 0;
  return index > size ? size : index;
}

static PyObject* find(mapping* self, PyObject* args, const char* format, bool backwards) {
  Py_buffer needle;
  if (!mapping_can_read(self)) return NULL;
  Py_ssize_t start = self->position, end = self->size;
  if (!PyArg_ParseTuple(args, format, &needle, &start, &end)) return NULL;
  Py_ssize_t index = -1;
  /* Arguments can close it, or make it shorter. */
  bool good = mapping_can_read(self);
  if (good) {
    start = clamp(start, self->size);
    end = clamp(end, self->size);
    if (end >= start && end - start >= needle.len) {
      struct search what = {
          self->data + start, (size_t)(end - start), needle.buf, (size_t)needle.len, backwards, NULL};
      struct nosigbus_fault fault = {0};
      PyThreadState* const state = mapping_leave_python(self, end - start);
      const int stopped = nosigbus_guard(search, &what, NULL, 0, &fault);
      mapping_enter_python(self, state);
      good = stopped == 0;
      if (!good) mapping_raise_fault(self, &fault, 0);
      if (what.found != NULL) index = what.found - self->data;
    }
  }
  PyBuffer_Release(&needle);
  return good ? PyLong_FromSsize_t(index) : NULL;
}

PyObject* mapping_find(mapping* self, PyObject* args) { return find(self, args, "y*|nn:find", false); }

PyObject* mapping_rfind(mapping* self, PyObject* args) { return find(self, args, "y*|nn:rfind", true); }

/* By way of a buffer, piece by piece, in the order in which nothing is overwritten before it was read. Other
 * threads run during each of them, and between two of them none does. */
static bool move(mapping* self, Py_ssize_t to, Py_ssize_t from, Py_ssize_t count) {
  const Py_ssize_t most = worth_releasing_gil, piece = count < most ? count : most;
  char* const buffer = PyMem_Malloc((size_t)piece);
  if (buffer == NULL) {
    PyErr_NoMemory();
    return false;
  }
  bool good = true;
  for (Py_ssize_t done = 0, n; good && done < count; done += n) {
    n = count - done < piece ? count - done : piece;
    const Py_ssize_t at = to < from ? done : count - done - n;
    good = mapping_read(self, buffer, from + at, n) && mapping_write(self, to + at, buffer, n);
  }
  PyMem_Free(buffer);
  return good;
}

PyObject* mapping_move(mapping* self, PyObject* args) {
  Py_ssize_t to, from, count;
  if (!mapping_is_open(self) || !PyArg_ParseTuple(args, "nnn:move", &to, &from, &count)) return NULL;
  if (!mapping_is_open(self) || !mapping_can_write(self)) return NULL;
  if (to < 0 || from < 0 || count < 0 || self->size - to < count || self->size - from < count) {
    PyErr_SetString(PyExc_ValueError, "source, destination, or count out of range");
    return NULL;
  }
  if (count > 0 && to != from && !move(self, to, from, count)) return NULL;
  Py_RETURN_NONE;
}
