/* SPDX-License-Identifier: MIT
 *
 * What the mapping asks of the system: the file's size, another length, writing back, advice.
 */
#include "mapping.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

PyObject* mapping_file_size(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (!mapping_is_open(self)) return NULL;
  struct stat status;
  PyThreadState* const state = mapping_leave_python(self, MAPPING_WAITS);
  const int result = fstat(self->fd, &status);
  mapping_enter_python(self, state);
  if (result != 0) return PyErr_SetFromErrno(PyExc_OSError);
  return PyLong_FromLongLong(status.st_size);
}

static bool can_resize(const mapping* self) {
  if (self->exports > 0) {
    PyErr_SetString(PyExc_BufferError, "mmap can't resize with extant buffers exported.");
  } else if (mapping_in_use(self)) {
    PyErr_SetString(PyExc_BufferError, "mmap can't resize while another thread is at work in it.");
  } else if (self->region != NULL && self->fd < 0) {
    PyErr_SetString(PyExc_ValueError, "mmap can't resize with trackfd=False.");
  } else if (self->access != access_write && self->access != access_default) {
    PyErr_SetString(PyExc_TypeError, "mmap can't resize a readonly or copy-on-write memory map.");
  } else {
    return true;
  }
  return false;
}

/* 0 or -errno. */
static int resize_memory(mapping* self, Py_ssize_t size) {
  if (self->region == NULL) {
    /* Shared memory does not grow with its mapping: what is behind it is missing. */
    const int error = ensure_installed();
    if (error != 0) return error;
    void* const data = mremap(self->data, (size_t)self->size, (size_t)size, MREMAP_MAYMOVE);
    if (data == MAP_FAILED) return -errno;
    self->data = data;
  } else {
    const int error = nosigbus_region_resize(self->region, (size_t)size);
    if (error != 0) return error;
    self->data = nosigbus_region_data(self->region);
  }
  self->size = size;
  return 0;
}

/* 0 or -errno: both have the length that they had. The GIL is held: nobody may see the mapping in between. */
static int resize(mapping* self, Py_ssize_t size) {
  if (size == 0) return -EINVAL;
  const Py_ssize_t before = self->size;
  const bool grows = size > before;
  /* Becoming shorter is what does not fail. */
  int error = grows ? resize_memory(self, size) : 0;
  if (error == 0 && self->fd >= 0 && ftruncate(self->fd, (off_t)(self->offset + size)) != 0) {
    error = -errno;
    if (grows) resize_memory(self, before);
    return error;
  }
  if (error == 0 && !grows) error = resize_memory(self, size);
  /* The file is that long now, whatever it was before. */
  if (error == 0 && self->region != NULL) nosigbus_region_refresh(self->region);
  return error;
}

PyObject* mapping_resize(mapping* self, PyObject* args) {
  Py_ssize_t size;
  if (!mapping_is_open(self) || !PyArg_ParseTuple(args, "n:resize", &size)) return NULL;
  if (!mapping_is_open(self) || !can_resize(self)) return NULL;
  if (size < 0 || PY_SSIZE_T_MAX - size < self->offset) {
    PyErr_SetString(PyExc_ValueError, "new size out of range");
    return NULL;
  }
  const int error = resize(self, size);
  if (error == -ENOTSUP)
    return raise_errno(error, "there is no room behind a private mapping, which cannot move");
  if (error != 0) return raise_errno(error, NULL);
  Py_RETURN_NONE;
}

/* Bytes that were written to discarded pages are nowhere: it would be wrong to say that they are on disk. */
static bool nothing_discarded(const mapping* self) {
  struct nosigbus_region_status status;
  if (self->region == NULL || (self->guard & NOSIGBUS_DISCARD_WRITES) == 0) return true;
  if (nosigbus_region_status(self->region, &status, sizeof status) != 0 || !status.overlaid) return true;
  const struct nosigbus_fault fault = {.address = (uintptr_t)self->data + status.first_bad_offset,
                                       .cause = status.cause,
                                       .access = NOSIGBUS_WRITE,
                                       .granule = 1};
  mapping_raise_fault(self, &fault, (size_t)status.first_bad_offset);
  return false;
}

PyObject* mapping_flush(mapping* self, PyObject* args) {
  if (!mapping_is_open(self)) return NULL;
  Py_ssize_t offset = 0, size = self->size;
  if (!PyArg_ParseTuple(args, "|nn:flush", &offset, &size) || !mapping_is_open(self)) return NULL;
  if (offset < 0 || size < 0 || self->size - offset < size) {
    PyErr_SetString(PyExc_ValueError, "flush values out of range");
    return NULL;
  }
  if (self->access == access_read || self->access == access_copy) Py_RETURN_NONE;
  PyThreadState* const state = mapping_leave_python(self, MAPPING_WAITS);
  const int result = msync(self->data + offset, (size_t)size, MS_SYNC);
  mapping_enter_python(self, state);
  if (result != 0) return PyErr_SetFromErrno(PyExc_OSError);
  if (!self->private_pages && !nothing_discarded(self)) return NULL;
  Py_RETURN_NONE;
}

PyObject* mapping_madvise(mapping* self, PyObject* args) {
  if (!mapping_is_open(self)) return NULL;
  int advice;
  Py_ssize_t start = 0, length = self->size;
  if (!PyArg_ParseTuple(args, "i|nn:madvise", &advice, &start, &length) || !mapping_is_open(self))
    return NULL;
  if (start < 0 || start >= self->size) {
    PyErr_SetString(PyExc_ValueError, "madvise start out of bounds");
    return NULL;
  }
  if (length < 0) {
    PyErr_SetString(PyExc_ValueError, "madvise length invalid");
    return NULL;
  }
  if (PY_SSIZE_T_MAX - start < length) {
    PyErr_SetString(PyExc_OverflowError, "madvise length too large");
    return NULL;
  }
  if (start + length > self->size) length = self->size - start;
  PyThreadState* const state = mapping_leave_python(self, MAPPING_WAITS);
  const int result = madvise(self->data + start, (size_t)length, advice);
  mapping_enter_python(self, state);
  if (result != 0) return PyErr_SetFromErrno(PyExc_OSError);
  Py_RETURN_NONE;
}
