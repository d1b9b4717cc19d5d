/* SPDX-License-Identifier: MIT
 *
 * How the mapping is: what of it is the file's. nosigbus/__init__.py makes names of it.
 */
#include "mapping.h"

/* Anonymous memory is whole for ever. */
PyObject* mapping_status(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (!mapping_is_open(self)) return NULL;
  struct nosigbus_region_status status = {
      .first_bad_offset = UINT64_MAX, .file_size = UINT64_MAX, .sealed = true};
  if (self->region != NULL) {
    const int error = nosigbus_region_status(self->region, &status, sizeof status);
    if (error != 0) return raise_errno(error, NULL);
  }
  /* The last page is there as long as a byte of it is. Nobody was stopped by what is missing behind that. */
  const uint64_t begin = (uint64_t)self->offset, end = begin + (uint64_t)self->size;
  if (status.first_bad_offset == UINT64_MAX && status.file_size < end) {
    status.first_bad_offset = status.file_size > begin ? status.file_size - begin : 0;
    status.cause = NOSIGBUS_EOF;
  }
  return Py_BuildValue("KKKKiNN", (unsigned long long)status.faults, (unsigned long long)status.generation,
                       (unsigned long long)status.first_bad_offset, (unsigned long long)status.file_size,
                       (int)status.cause, PyBool_FromLong(status.overlaid), PyBool_FromLong(status.sealed));
}

PyObject* mapping_refresh(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (!mapping_is_open(self)) return NULL;
  if (self->region == NULL) Py_RETURN_TRUE;
  PyThreadState* const state = mapping_leave_python(self, MAPPING_WAITS);
  const int result = nosigbus_region_refresh(self->region);
  mapping_enter_python(self, state);
  if (result < 0) return raise_errno(result, NULL);
  return PyBool_FromLong(result);
}

PyObject* mapping_begin(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (!mapping_is_open(self)) return NULL;
  return PyLong_FromUnsignedLongLong(self->region == NULL ? 0 : nosigbus_region_begin(self->region));
}

PyObject* mapping_end(mapping* self, PyObject* args) {
  unsigned long long begun;
  if (!mapping_is_open(self) || !PyArg_ParseTuple(args, "K:_end", &begun)) return NULL;
  if (!mapping_is_open(self)) return NULL;
  return PyBool_FromLong(self->region == NULL || nosigbus_region_end(self->region, begun) == 0);
}
