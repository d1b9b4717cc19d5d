/* SPDX-License-Identifier: MIT
 *
 * Python's limited API of 3.11, the first one with the buffer protocol; and what all parts of the extension
 * share.
 */
#ifndef NOSIGBUS_PYTHON_PYTHON_H
#define NOSIGBUS_PYTHON_PYTHON_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <nosigbus/fault.h>

/* Has nosigbus's handler in front of whatever handles SIGBUS. 0, or -errno. */
int ensure_installed(void);

/* OSError(-error, what). Returns NULL. */
PyObject* raise_errno(int error, const char* what);

/* (address, cause, access, granule) of a fault; NULL with an exception. */
PyObject* fault_tuple(const struct nosigbus_fault* fault);

/* From so many bytes on, copies let other threads run. */
enum { worth_releasing_gil = 1 << 18 };

/* runtime.c */
extern PyMethodDef g_runtime_methods[];

/* As a table of methods wants it. */
#define PYTHON_METHOD(function) ((PyCFunction)(void (*)(void))(function))

#endif
