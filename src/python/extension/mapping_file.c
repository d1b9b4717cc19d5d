/* SPDX-License-Identifier: MIT
 *
 * The mapping as a file with a position.
 */
#include "mapping.h"

#include <nosigbus/copy.h>
#include <stdio.h>

static Py_ssize_t remaining(const mapping* self) {
  return self->position < self->size ? self->size - self->position : 0;
}

/* Bytes from the position on, which advances. The GIL may be left meanwhile: it advances first, so that no
 * two threads get the same bytes; back again when nothing could be read. */
static PyObject* take(mapping* self, Py_ssize_t count) {
  const Py_ssize_t begin = self->position, end = begin + count;
  self->position = end;
  PyObject* const result = mapping_bytes(self, count > 0 ? begin : 0, count);
  if (result == NULL && self->position == end) self->position = begin;
  return result;
}

PyObject* mapping_file_read(mapping* self, PyObject* args) {
  PyObject* wanted = Py_None;
  if (!mapping_can_read(self) || !PyArg_ParseTuple(args, "|O:read", &wanted)) return NULL;
  Py_ssize_t count = -1;
  if (PyIndex_Check(wanted)) {
    count = PyNumber_AsSsize_t(wanted, PyExc_OverflowError);
    if (count == -1 && PyErr_Occurred()) return NULL;
    if (!mapping_can_read(self)) return NULL; /* __index__ can close it */
  } else if (wanted != Py_None) {
    PyObject* const name = PyType_GetName(Py_TYPE(wanted));
    if (name == NULL) return NULL;
    PyErr_Format(PyExc_TypeError, "argument should be integer or None, not '%U'", name);
    Py_DECREF(name);
    return NULL;
  }
  const Py_ssize_t rest = remaining(self);
  return take(self, count < 0 || count > rest ? rest : count);
}

PyObject* mapping_readline(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (!mapping_can_read(self)) return NULL;
  Py_ssize_t begin, rest;
  size_t index;
  /* Until no other thread has moved the position meanwhile: the line is one that begins there. */
  do {
    begin = self->position;
    rest = remaining(self);
    if (rest == 0) return PyBytes_FromStringAndSize(NULL, 0);
    PyThreadState* const state = mapping_leave_python(self, rest);
    index = nosigbus_safe_memchr(self->data + begin, '\n', (size_t)rest);
    mapping_enter_python(self, state);
  } while (self->position != begin);
  /* A byte that could not be searched cannot be read either, and take() says so. */
  return take(self, index < (size_t)rest ? (Py_ssize_t)index + 1 : rest);
}

PyObject* mapping_read_byte(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (!mapping_can_read(self)) return NULL;
  if (remaining(self) == 0) {
    PyErr_SetString(PyExc_ValueError, "read byte out of range");
    return NULL;
  }
  unsigned char byte;
  if (!mapping_read(self, &byte, self->position, 1)) return NULL;
  self->position++;
  return PyLong_FromLong(byte);
}

PyObject* mapping_file_write(mapping* self, PyObject* args) {
  Py_buffer source;
  if (!mapping_is_open(self) || !PyArg_ParseTuple(args, "y*:write", &source)) return NULL;
  PyObject* result = NULL;
  /* Whoever made the buffer may have closed it. */
  if (!mapping_is_open(self) || !mapping_can_write(self)) goto out;
  const Py_ssize_t begin = self->position, end = begin + source.len;
  if (begin > self->size || self->size - begin < source.len) {
    PyErr_SetString(PyExc_ValueError, "data out of range");
    goto out;
  }
  self->position = end;
  if (mapping_write_buffer(self, begin, 1, &source)) {
    result = PyLong_FromSsize_t(source.len);
  } else if (self->position == end) {
    self->position = begin;
  }
out:
  PyBuffer_Release(&source);
  return result;
}

PyObject* mapping_write_byte(mapping* self, PyObject* args) {
  unsigned char byte;
  if (!mapping_is_open(self) || !PyArg_ParseTuple(args, "b:write_byte", &byte)) return NULL;
  if (!mapping_is_open(self) || !mapping_can_write(self)) return NULL;
  if (remaining(self) == 0) {
    PyErr_SetString(PyExc_ValueError, "write byte out of range");
    return NULL;
  }
  if (!mapping_write(self, self->position, &byte, 1)) return NULL;
  self->position++;
  Py_RETURN_NONE;
}

PyObject* mapping_seek(mapping* self, PyObject* args) {
  Py_ssize_t distance;
  int whence = SEEK_SET;
  if (!mapping_is_open(self) || !PyArg_ParseTuple(args, "n|i:seek", &distance, &whence)) return NULL;
  if (!mapping_is_open(self)) return NULL;
  Py_ssize_t from = 0;
  if (whence == SEEK_CUR) {
    from = self->position;
  } else if (whence == SEEK_END) {
    from = self->size;
  } else if (whence != SEEK_SET) {
    PyErr_SetString(PyExc_ValueError, "unknown seek type");
    return NULL;
  }
  Py_ssize_t target;
  if (__builtin_add_overflow(from, distance, &target) || target < 0 || target > self->size) {
    PyErr_SetString(PyExc_ValueError, "seek out of range");
    return NULL;
  }
  self->position = target;
  Py_RETURN_NONE;
}

PyObject* mapping_tell(mapping* self, PyObject* Py_UNUSED(unused)) {
  return mapping_is_open(self) ? PyLong_FromSsize_t(self->position) : NULL;
}
