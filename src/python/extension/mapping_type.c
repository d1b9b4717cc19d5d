/* SPDX-License-Identifier: MIT
 *
 * The type: names, documentation, and what the rest of it is called by.
 */
#include "mapping.h"

#include <stddef.h>
#include <structmember.h>

static PyObject* enter(PyObject* self, PyObject* Py_UNUSED(unused)) {
  return mapping_is_open((mapping*)self) ? Py_NewRef(self) : NULL;
}

static PyObject* leave(PyObject* self, PyObject* Py_UNUSED(args)) {
  return PyObject_CallMethod(self, "close", NULL);
}

static PyObject* closed(mapping* self, void* Py_UNUSED(closure)) {
  return PyBool_FromLong(self->data == NULL);
}

static const char* access_name(enum access access) {
  static const char* const g_names[] = {"ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY"};
  return g_names[access];
}

static PyObject* represent(mapping* self) {
  PyObject* const type = (PyObject*)Py_TYPE((PyObject*)self);
  PyObject* const module = PyObject_GetAttrString(type, "__module__");
  PyObject* const name = PyObject_GetAttrString(type, "__qualname__");
  PyObject* result = NULL;
  if (module != NULL && name != NULL && self->data == NULL) {
    result = PyUnicode_FromFormat("<%S.%S closed=True>", module, name);
  } else if (module != NULL && name != NULL) {
    result = PyUnicode_FromFormat("<%S.%S closed=False, access=%s, length=%zd, pos=%zd, offset=%lld>", module,
                                  name, access_name(self->access), self->size, self->position, self->offset);
  }
  Py_XDECREF(module);
  Py_XDECREF(name);
  return result;
}

static int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return 0;
}

#define FILE_METHOD "As of a file that has a position: "

static PyMethodDef g_methods[] = {
    {"close", PYTHON_METHOD(mapping_close), METH_NOARGS,
     "close($self, /)\n--\n\nUnmaps it. BufferError while somebody has a buffer of it."},
    {"read", PYTHON_METHOD(mapping_file_read), METH_VARARGS,
     "read($self, n=None, /)\n--\n\n" FILE_METHOD
     "up to n bytes, all that are left if n is None or negative."},
    {"readline", PYTHON_METHOD(mapping_readline), METH_NOARGS,
     "readline($self, /)\n--\n\n" FILE_METHOD "the bytes up to and with the next newline."},
    {"read_byte", PYTHON_METHOD(mapping_read_byte), METH_NOARGS,
     "read_byte($self, /)\n--\n\n" FILE_METHOD "one byte, as an int."},
    {"write", PYTHON_METHOD(mapping_file_write), METH_VARARGS,
     "write($self, bytes, /)\n--\n\n" FILE_METHOD "writes, and returns how many bytes.\n"
     "FaultError where the file has been cut off; see DISCARD_WRITES."},
    {"write_byte", PYTHON_METHOD(mapping_write_byte), METH_VARARGS,
     "write_byte($self, byte, /)\n--\n\n" FILE_METHOD "writes one byte, given as an int."},
    {"seek", PYTHON_METHOD(mapping_seek), METH_VARARGS,
     "seek($self, pos, whence=0, /)\n--\n\nMoves the position: from the beginning, from here (1), from the "
     "end "
     "(2)."},
    {"tell", PYTHON_METHOD(mapping_tell), METH_NOARGS, "tell($self, /)\n--\n\nThe position."},
    {"find", PYTHON_METHOD(mapping_find), METH_VARARGS,
     "find(sub[, start[, end]])\n\n"
     "Index of the first place of sub in [start, end), by default from the position on; -1: none."},
    {"rfind", PYTHON_METHOD(mapping_rfind), METH_VARARGS,
     "rfind(sub[, start[, end]])\n\nThe last place, as find."},
    {"move", PYTHON_METHOD(mapping_move), METH_VARARGS,
     "move($self, dest, src, count, /)\n--\n\nCopies count bytes from offset src to offset dest."},
    {"size", PYTHON_METHOD(mapping_file_size), METH_NOARGS,
     "size($self, /)\n--\n\nThe size of the file, in bytes."},
    {"resize", PYTHON_METHOD(mapping_resize), METH_VARARGS,
     "resize($self, newsize, /)\n--\n\nResizes the mapping and its file. BufferError while somebody has a "
     "buffer of it."},
    {"flush", PYTHON_METHOD(mapping_flush), METH_VARARGS,
     "flush([offset[, size]])\n\n"
     "Writes what was changed to the file. FaultError where the file has been cut off and writes are "
     "discarded."},
    {"madvise", PYTHON_METHOD(mapping_madvise), METH_VARARGS,
     "madvise(option[, start[, length]])\n\nmadvise(2)."},
    {"refresh", PYTHON_METHOD(mapping_refresh), METH_NOARGS,
     "refresh($self, /)\n--\n\n"
     "Puts the file's pages back where it has grown again. True: all of it is the file's again; False: the "
     "file is\n"
     "still too short, and what there is has been put back. Drops what was written to discarded pages. "
     "Buffers\n"
     "stay valid."},
    {"_status", PYTHON_METHOD(mapping_status), METH_NOARGS, NULL},
    {"_begin", PYTHON_METHOD(mapping_begin), METH_NOARGS, NULL},
    {"_end", PYTHON_METHOD(mapping_end), METH_VARARGS, NULL},
    {"__enter__", enter, METH_NOARGS, NULL},
    {"__exit__", leave, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef g_properties[] = {
    {"closed", (getter)(void (*)(void))closed, NULL, "True: it has been closed.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef g_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(mapping, weak_references), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot g_slots[] = {
    {Py_tp_doc,
     "mmap(fileno, length, flags=MAP_SHARED, prot=PROT_READ|PROT_WRITE, access=ACCESS_DEFAULT, offset=0, *,\n"
     "     trackfd=True, guard=0)\n--\n\n"
     "As mmap.mmap, of a file that others may cut off: what is missing then reads as zeros.\n\n"
     "guard: DISCARD_WRITES | ABSORB_IO | ABSORB_POISON | CLIP, what else is absorbed. Private mappings "
     "discard\n"
     "writes to missing pages always. Installs nosigbus's handler for SIGBUS, and puts it back in front if "
     "another\n"
     "one has come on top of it.\n"
     "Methods of the object never end the process: what is not absorbed is FaultError. Who has a buffer of "
     "it\n"
     "(numpy, memoryview) and writes to missing pages without DISCARD_WRITES ends the process, as with "
     "mmap.mmap."},
    {Py_tp_new, mapping_new},
    {Py_tp_dealloc, mapping_dealloc},
    {Py_tp_traverse, traverse},
    {Py_tp_repr, represent},
    {Py_tp_methods, g_methods},
    {Py_tp_getset, g_properties},
    {Py_tp_members, g_members},
    {Py_sq_length, mapping_length},
    {Py_sq_item, mapping_get_item},
    {Py_sq_ass_item, mapping_set_item},
    {Py_mp_length, mapping_length},
    {Py_mp_subscript, mapping_subscript},
    {Py_mp_ass_subscript, mapping_set_subscript},
    {Py_bf_getbuffer, mapping_get_buffer},
    {Py_bf_releasebuffer, mapping_release_buffer},
    {0, NULL},
};

PyType_Spec g_mapping_spec = {
    .name = "nosigbus.mmap",
    .basicsize = sizeof(mapping),
    /* Mutable: nosigbus/__init__.py completes it. */
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = g_slots,
};
