/* SPDX-License-Identifier: MIT
 *
 * The module nosigbus._nosigbus: what nosigbus/__init__.py is made of.
 */
#include "mapping.h"

#include <nosigbus/runtime.h>

PyObject* g_fault_error;

static int add_error(PyObject* module) {
  if (g_fault_error == NULL) {
    g_fault_error = PyErr_NewExceptionWithDoc(
        "nosigbus.FaultError",
        "Memory that could not be read or written, where a plain access would have ended the process.\n\n"
        "errno: EFAULT. offset: the first byte concerned, in the mapping; None: it is not in the mapping, "
        "but in\n"
        "what was to be written or found. done: bytes that were read or written before. fault: as "
        "last_fault().",
        PyExc_OSError, NULL);
  }
  if (g_fault_error == NULL) return -1;
  return PyModule_AddObjectRef(module, "FaultError", g_fault_error);
}

static int add_type(PyObject* module) {
  PyObject* const type = PyType_FromSpec(&g_mapping_spec);
  if (type == NULL) return -1;
  const int result = PyModule_AddObjectRef(module, "mmap", type);
  Py_DECREF(type);
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

static int execute(PyObject* module) {
  return add_error(module) < 0 || add_type(module) < 0 || add_constants(module) < 0 ? -1 : 0;
}

static PyModuleDef_Slot g_slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef g_definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_nosigbus",
    .m_methods = g_runtime_methods,
    .m_slots = g_slots,
};

PyMODINIT_FUNC PyInit__nosigbus(void);
PyMODINIT_FUNC PyInit__nosigbus(void) { return PyModuleDef_Init(&g_definition); }
