/* SPDX-License-Identifier: MIT
 *
 * The signal handler, and guarded reads of any memory. nosigbus/__init__.py documents them.
 */
#include "python.h"

#include <errno.h>
#include <nosigbus/copy.h>
#include <nosigbus/runtime.h>
#include <stdbool.h>
#include <string.h>

/* By this module. Written and read with the GIL held. */
static bool g_installed;

static int install_with(unsigned flags) {
  const int error = nosigbus_install(flags);
  if (error == 0) g_installed = true;
  return error;
}

int ensure_installed(void) {
  /* Other handlers come on top of it (faulthandler.enable), and are to be asked after it, not instead. */
  const int error = nosigbus_rearm();
  return error == -ENOENT ? install_with(0) : error;
}

PyObject* raise_errno(int error, const char* what) {
  errno = -error;
  if (what == NULL) return PyErr_SetFromErrno(PyExc_OSError);
  PyObject* const arguments = Py_BuildValue("(is)", -error, what);
  if (arguments != NULL) PyErr_SetObject(PyExc_OSError, arguments);
  Py_XDECREF(arguments);
  return NULL;
}

static PyObject* none_or_error(int error) {
  if (error != 0) return raise_errno(error, NULL);
  Py_RETURN_NONE;
}

PyObject* fault_tuple(const struct nosigbus_fault* fault) {
  return Py_BuildValue("Kiin", (unsigned long long)fault->address, (int)fault->cause, (int)fault->access,
                       (Py_ssize_t)fault->granule);
}

static PyObject* install(PyObject* Py_UNUSED(module), PyObject* args) {
  int flags = 0;
  if (!PyArg_ParseTuple(args, "|i:install", &flags)) return NULL;
  return none_or_error(install_with((unsigned)flags));
}

static PyObject* uninstall(PyObject* Py_UNUSED(module), PyObject* Py_UNUSED(unused)) {
  const int error = nosigbus_uninstall();
  if (error == 0) g_installed = false;
  if (error == -EBUSY) {
    return raise_errno(error, "there are mappings left, or another handler is in front of nosigbus's");
  }
  return none_or_error(error);
}

static PyObject* check(PyObject* Py_UNUSED(module), PyObject* Py_UNUSED(unused)) {
  return PyLong_FromLong(-nosigbus_check());
}

static PyObject* rearm(PyObject* Py_UNUSED(module), PyObject* Py_UNUSED(unused)) {
  return none_or_error(nosigbus_rearm());
}

static PyObject* stats(PyObject* Py_UNUSED(module), PyObject* Py_UNUSED(unused)) {
  struct nosigbus_stats now;
  const int error = nosigbus_stats(&now, sizeof now);
  if (error != 0) return raise_errno(error, NULL);
  return Py_BuildValue(
      "KKKKKKK", (unsigned long long)now.absorbed, (unsigned long long)now.absorbed_by_region,
      (unsigned long long)now.absorbed_by_operation, (unsigned long long)now.absorbed_by_guard,
      (unsigned long long)now.overlays, (unsigned long long)now.chained, (unsigned long long)now.regions);
}

static PyObject* last_fault(PyObject* Py_UNUSED(module), PyObject* Py_UNUSED(unused)) {
  return fault_tuple(nosigbus_last_fault());
}

/* What is the source's, without zeros that a region supplied in place of it. */
static size_t real_bytes(const char* source, size_t copied) {
  const struct nosigbus_fault* const fault = nosigbus_last_fault();
  const uintptr_t begin = (uintptr_t)source;
  if (fault->cause == NOSIGBUS_NONE || fault->address < begin || fault->address - begin >= copied)
    return copied;
  return fault->address - begin;
}

/* The source is not to go away meanwhile: its buffer is held, or it is the caller's address. */
static PyObject* read_bytes(const char* source, Py_ssize_t count) {
  if (!g_installed) {
    const int error = install_with(0);
    if (error != 0) return raise_errno(error, NULL);
  }
  PyObject* const whole = PyBytes_FromStringAndSize(NULL, count);
  if (whole == NULL) return NULL;
  size_t copied;
  char* const to = PyBytes_AsString(whole);
  if (count < worth_releasing_gil) {
    copied = real_bytes(source, nosigbus_safe_read(to, source, (size_t)count));
  } else {
    PyThreadState* const state = PyEval_SaveThread();
    copied = real_bytes(source, nosigbus_safe_read(to, source, (size_t)count));
    PyEval_RestoreThread(state);
  }
  if (copied == (size_t)count) return whole;
  PyObject* const part = PyBytes_FromStringAndSize(to, (Py_ssize_t)copied);
  Py_DECREF(whole);
  return part;
}

static PyObject* read_buffer(PyObject* source, PyObject* wanted, Py_ssize_t offset) {
  Py_buffer view;
  if (PyObject_GetBuffer(source, &view, PyBUF_SIMPLE) < 0) return NULL;
  PyObject* result = NULL;
  Py_ssize_t count = view.len - offset;
  if (wanted != Py_None) count = PyNumber_AsSsize_t(wanted, PyExc_OverflowError);
  if (!PyErr_Occurred()) {
    if (offset > view.len || count < 0 || count > view.len - offset) {
      PyErr_SetString(PyExc_ValueError, "offset and length are not within the buffer");
    } else {
      result = read_bytes((const char*)view.buf + offset, count);
    }
  }
  PyBuffer_Release(&view);
  return result;
}

static PyObject* read_address(PyObject* source, PyObject* wanted, Py_ssize_t offset) {
  if (wanted == Py_None) {
    PyErr_SetString(PyExc_TypeError, "an address needs a length");
    return NULL;
  }
  const size_t address = PyLong_AsSize_t(source);
  if (address == (size_t)-1 && PyErr_Occurred()) return NULL;
  const Py_ssize_t count = PyNumber_AsSsize_t(wanted, PyExc_OverflowError);
  if (count == -1 && PyErr_Occurred()) return NULL;
  size_t begin, end;
  if (count < 0 || __builtin_add_overflow(address, (size_t)offset, &begin) ||
      __builtin_add_overflow(begin, (size_t)count, &end)) {
    PyErr_SetString(PyExc_ValueError, "address, offset and length are no range of memory");
    return NULL;
  }
  return read_bytes((const char*)begin, count);
}

static PyObject* safe_read(PyObject* Py_UNUSED(module), PyObject* args, PyObject* keywords) {
  static char* g_names[] = {"source", "length", "offset", NULL};
  PyObject* source;
  PyObject* length = Py_None;
  Py_ssize_t offset = 0;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|On:safe_read", g_names, &source, &length, &offset))
    return NULL;
  if (offset < 0) {
    PyErr_SetString(PyExc_ValueError, "offset is negative");
    return NULL;
  }
  return PyLong_Check(source) ? read_address(source, length, offset) : read_buffer(source, length, offset);
}

PyMethodDef g_runtime_methods[] = {
    {"install", install, METH_VARARGS, NULL},
    {"uninstall", uninstall, METH_NOARGS, NULL},
    {"check", check, METH_NOARGS, NULL},
    {"rearm", rearm, METH_NOARGS,
     "rearm($module, /)\n--\n\nPuts the handler back in front of one that was installed on top of it, which "
     "is called for\n"
     "what is not nosigbus's. OSError (ENOENT): it is not installed."},
    {"stats", stats, METH_NOARGS, NULL},
    {"last_fault", last_fault, METH_NOARGS, NULL},
    {"safe_read", PYTHON_METHOD(safe_read), METH_VARARGS | METH_KEYWORDS,
     "safe_read($module, /, source, length=None, offset=0)\n--\n\n"
     "Copies memory that may be bad, up to the first bad byte.\n\n"
     "source: an object with the buffer protocol (contiguous), or an address. length: bytes; None: all from\n"
     "offset on, an address needs it. offset: bytes to leave out in front.\n"
     "Returns the bytes in front of the first one that cannot be read, exactly; last_fault() tells why it "
     "ends.\n"
     "Zeros in place of a file's missing pages (nosigbus.mmap) are not returned. Installs the handler if it "
     "is\n"
     "not. Memory that is not mapped at all is survived after install(CATCH_SEGV) only."},
    {NULL, NULL, 0, NULL},
};
