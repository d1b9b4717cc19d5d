/* SPDX-License-Identifier: MIT
 *
 * The module nosigbus._nosigbus: what nosigbus/__init__.py is made of.
 */
#include "mapping.h"

#include <nosigbus/runtime.h>

static PyObject* new_error(void) {
  return PyErr_NewExceptionWithDoc(
      "nosigbus.FaultError",
      "Memory that could not be read or written, where a plain access would have ended the process.\n\n"
      "errno: EFAULT. offset: the first byte concerned, in the mapping; None: it is not in the mapping, "
      "but in\n"
      "what was to be written or found. done: bytes that were read or written before. fault: as "
      "last_fault().",
      PyExc_OSError, NULL);
}

/* Each interpreter has its own. The mapping's type knows the error: it is what raises it. */
static int add_types(PyObject* module) {
  PyObject* const error = new_error();
  PyObject* const type = error != NULL ? PyType_FromSpec(&g_mapping_spec) : NULL;
  int result = -1;
  if (type != NULL && PyObject_SetAttrString(type, "_FaultError", error) == 0 &&
      PyModule_AddObjectRef(module, "FaultError", error) == 0)
    result = PyModule_AddObjectRef(module, "mmap", type);
  Py_XDECREF(type);
  Py_XDECREF(error);
  return result;
}

static int add_constants(PyObject* module) {
  static const struct {
    const char* name;
    unsigned value;
  } g_constants[] = {
      {"DISCARD_WRITES", NOSIGBUS_DISCARD_WRITES}, {"ABSORB_IO", NOSIGBUS_ABSORB_IO},
      {"ABSORB_POISON", NOSIGBUS_ABSORB_POISON},   {"CLIP", NOSIGBUS_CLIP},
      {"CATCH_SEGV", NOSIGBUS_CATCH_SEGV},
  };
  for (size_t i = 0; i < sizeof g_constants / sizeof g_constants[0]; ++i) {
    if (PyModule_AddIntConstant(module, g_constants[i].name, (long)g_constants[i].value) < 0) return -1;
  }
  return 0;
}

static int execute(PyObject* module) { return add_types(module) < 0 || add_constants(module) < 0 ? -1 : 0; }

static PyModuleDef_Slot g_slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef g_definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_nosigbus",
    .m_methods = g_runtime_methods,
    .m_slots = g_slots,
};

PyMODINIT_FUNC PyInit__nosigbus(void);
PyMODINIT_FUNC PyInit__nosigbus(void) { return PyModuleDef_Init(&g_definition); }
