/* SPDX-License-Identifier: MIT
 *
 * The mapping as a sequence of bytes, and as a buffer.
 */
#include "mapping.h"

Py_ssize_t mapping_length(mapping* self) { return mapping_is_open(self) ? self->size : -1; }

/* Arguments are Python's objects, whose methods can close or resize the mapping: it is looked at after they
 * were asked. True: *index is within it. */
static bool to_index(mapping* self, PyObject* item, Py_ssize_t* index) {
  const Py_ssize_t given = PyNumber_AsSsize_t(item, PyExc_IndexError);
  if ((given == -1 && PyErr_Occurred()) || !mapping_is_open(self)) return false;
  *index = given < 0 ? given + self->size : given;
  if (*index >= 0 && *index < self->size) return true;
  PyErr_SetString(PyExc_IndexError, "mmap index out of range");
  return false;
}

static PyObject* bad_index(void) {
  PyErr_SetString(PyExc_TypeError, "mmap indices must be integers");
  return NULL;
}

/* Iteration: bytes of length 1. */
PyObject* mapping_get_item(mapping* self, Py_ssize_t index) {
  if (!mapping_can_read(self)) return NULL;
  if (index >= 0 && index < self->size) return mapping_bytes(self, index, 1);
  PyErr_SetString(PyExc_IndexError, "mmap index out of range");
  return NULL;
}

static PyObject* get_slice(mapping* self, PyObject* item) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(item, &start, &stop, &step) < 0 || !mapping_can_read(self)) return NULL;
  const Py_ssize_t count = PySlice_AdjustIndices(self->size, &start, &stop, step);
  if (count <= 0) return PyBytes_FromStringAndSize(NULL, 0);
  if (step == 1) return mapping_bytes(self, start, count);
  PyObject* const result = PyBytes_FromStringAndSize(NULL, count);
  if (result == NULL || mapping_read_stepwise(self, PyBytes_AsString(result), start, step, count))
    return result;
  Py_DECREF(result);
  return NULL;
}

PyObject* mapping_subscript(mapping* self, PyObject* item) {
  if (!mapping_can_read(self)) return NULL;
  if (PySlice_Check(item)) return get_slice(self, item);
  if (!PyIndex_Check(item)) return bad_index();
  Py_ssize_t index;
  unsigned char byte;
  if (!to_index(self, item, &index) || !mapping_read(self, &byte, index, 1)) return NULL;
  return PyLong_FromLong(byte);
}

int mapping_set_item(mapping* self, Py_ssize_t index, PyObject* value) {
  if (!mapping_is_open(self)) return -1;
  const char* byte = NULL;
  if (index < 0 || index >= self->size) {
    PyErr_SetString(PyExc_IndexError, "mmap index out of range");
  } else if (value == NULL) {
    PyErr_SetString(PyExc_TypeError, "mmap object doesn't support item deletion");
  } else if (!PyBytes_Check(value) || PyBytes_Size(value) != 1) {
    PyErr_SetString(PyExc_IndexError, "mmap assignment must be length-1 bytes()");
  } else if (mapping_can_write(self)) {
    byte = PyBytes_AsString(value);
  }
  return byte != NULL && mapping_write(self, index, byte, 1) ? 0 : -1;
}

static int set_byte(mapping* self, PyObject* item, PyObject* value) {
  Py_ssize_t index;
  if (!to_index(self, item, &index)) return -1;
  if (value == NULL) {
    PyErr_SetString(PyExc_TypeError, "mmap doesn't support item deletion");
    return -1;
  }
  if (!PyIndex_Check(value)) {
    PyErr_SetString(PyExc_TypeError, "mmap item value must be an int");
    return -1;
  }
  const Py_ssize_t number = PyNumber_AsSsize_t(value, PyExc_TypeError);
  if (number == -1 && PyErr_Occurred()) return -1;
  if (number < 0 || number > 255) {
    PyErr_SetString(PyExc_ValueError, "mmap item value must be in range(0, 256)");
    return -1;
  }
  if (!to_index(self, item, &index)) return -1;
  const unsigned char byte = (unsigned char)number;
  return mapping_write(self, index, &byte, 1) ? 0 : -1;
}

static int set_slice(mapping* self, PyObject* item, PyObject* value) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(item, &start, &stop, &step) < 0) return -1;
  if (value == NULL) {
    PyErr_SetString(PyExc_TypeError, "mmap object doesn't support slice deletion");
    return -1;
  }
  Py_buffer source;
  if (PyObject_GetBuffer(value, &source, PyBUF_SIMPLE) < 0) return -1;
  bool good = mapping_is_open(self);
  if (good) {
    const Py_ssize_t count = PySlice_AdjustIndices(self->size, &start, &stop, step);
    good = source.len == count;
    if (!good) {
      PyErr_SetString(PyExc_IndexError, "mmap slice assignment is wrong size");
    } else if (count > 0) {
      good = mapping_write_buffer(self, start, step, &source);
    }
  }
  PyBuffer_Release(&source);
  return good ? 0 : -1;
}

int mapping_set_subscript(mapping* self, PyObject* item, PyObject* value) {
  if (!mapping_is_open(self) || !mapping_can_write(self)) return -1;
  if (PySlice_Check(item)) return set_slice(self, item, value);
  if (PyIndex_Check(item)) return set_byte(self, item, value);
  bad_index();
  return -1;
}

int mapping_get_buffer(mapping* self, Py_buffer* view, int flags) {
  if (!mapping_can_read(self)) return -1;
  if (PyBuffer_FillInfo(view, (PyObject*)self, self->data, self->size, self->access == access_read, flags) <
      0)
    return -1;
  self->exports++;
  return 0;
}

void mapping_release_buffer(mapping* self, Py_buffer* Py_UNUSED(view)) { self->exports--; }
