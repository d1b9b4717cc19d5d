/* SPDX-License-Identifier: MIT
 *
 * Making and closing a mapping.
 */
#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
  int fd;
  Py_ssize_t length;
  int flags, prot, access;
  long long offset;
  int track_descriptor;
  int guard;
};

static bool parse(PyObject* args, PyObject* keywords, struct request* out) {
  static char* g_names[] = {"fileno", "length",  "flags", "prot", "access",
                            "offset", "trackfd", "guard", NULL};
  *out = (struct request){-1, 0, MAP_SHARED, PROT_READ | PROT_WRITE, access_default, 0, 1, 0};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "in|iiiL$pi", g_names, &out->fd, &out->length, &out->flags,
                                   &out->prot, &out->access, &out->offset, &out->track_descriptor,
                                   &out->guard)) {
    return false;
  }
  if (out->length < 0) {
    PyErr_SetString(PyExc_OverflowError, "memory mapped length must be positive");
  } else if (out->offset < 0) {
    PyErr_SetString(PyExc_OverflowError, "memory mapped offset must be positive");
  } else if (out->access != access_default &&
             (out->flags != MAP_SHARED || out->prot != (PROT_READ | PROT_WRITE))) {
    PyErr_SetString(PyExc_ValueError, "mmap can't specify both access and flags, prot.");
  } else if (out->access < access_default || out->access > access_copy) {
    PyErr_SetString(PyExc_ValueError, "mmap invalid access parameter.");
  } else if ((out->guard & ~(int)(NOSIGBUS_DISCARD_WRITES | NOSIGBUS_ABSORB_IO | NOSIGBUS_ABSORB_POISON |
                                  NOSIGBUS_CLIP)) != 0) {
    PyErr_SetString(PyExc_ValueError, "mmap invalid guard parameter.");
  } else {
    return true;
  }
  return false;
}

/* What `access` means for mmap(2), and the other way round. */
static void settle_access(struct request* request) {
  switch (request->access) {
    case access_read:
      request->prot = PROT_READ;
      break;
    case access_copy:
      request->flags = MAP_PRIVATE;
      break;
    case access_default:
      if ((request->prot & PROT_WRITE) == 0) {
        request->access = access_read;
      } else if ((request->prot & PROT_READ) == 0) {
        request->access = access_write;
      }
      break;
    default:
      break;
  }
}

/* As sys.audit: who audits mmap.mmap wants to hear of this one as well. */
static bool audit(const struct request* request) {
  PyObject* const function = PySys_GetObject("audit");
  if (function == NULL) return true;
  PyObject* const result = PyObject_CallFunction(function, "siniL", "mmap.__new__", request->fd,
                                                 request->length, request->access, request->offset);
  Py_XDECREF(result);
  return result != NULL;
}

/* Length 0 is the rest of the file; more than that there is not to be mapped. */
static bool settle_length(struct request* request) {
  struct stat status;
  PyThreadState* const state = PyEval_SaveThread();
  const int result = fstat(request->fd, &status);
  PyEval_RestoreThread(state);
  if (result != 0 || !S_ISREG(status.st_mode)) return true; /* mmap(2) says what is wrong */
  const char* complaint = NULL;
  if (request->length > 0) {
    if (request->offset > status.st_size || status.st_size - request->offset < request->length)
      complaint = "mmap length is greater than file size";
  } else if (status.st_size == 0) {
    complaint = "cannot mmap an empty file";
  } else if (request->offset >= status.st_size) {
    complaint = "mmap offset is greater than file size";
  } else {
    request->length = (Py_ssize_t)(status.st_size - request->offset);
  }
  if (complaint != NULL) PyErr_SetString(PyExc_ValueError, complaint);
  return complaint == NULL;
}

static bool map_anonymous(mapping* self, const struct request* request) {
  void* const data =
      mmap(NULL, (size_t)self->size, self->prot, request->flags | MAP_ANONYMOUS, -1, (off_t)request->offset);
  if (data == MAP_FAILED) {
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  self->data = data;
  return true;
}

static bool map_file(mapping* self, const struct request* request) {
  /* Hints, of which the kernel itself ignores most. */
  const int hints = MAP_DENYWRITE | MAP_EXECUTABLE | MAP_STACK | MAP_NORESERVE | MAP_POPULATE;
  const int kind = request->flags & ~hints;
  if (kind != MAP_SHARED && kind != MAP_PRIVATE) {
    raise_errno(-EINVAL, "flags: a file is mapped MAP_SHARED or MAP_PRIVATE, with hints at most");
    return false;
  }
  unsigned flags = self->guard;
  /* What is written to private pages was never to reach the file. */
  if (self->private_pages) flags |= NOSIGBUS_PRIVATE | NOSIGBUS_DISCARD_WRITES;
  int error = ensure_installed();
  if (error == 0) {
    PyThreadState* const state = PyEval_SaveThread();
    error = nosigbus_map(&self->region, request->fd, (off_t)request->offset, (size_t)self->size, self->prot,
                         flags);
    PyEval_RestoreThread(state);
  }
  if (error != 0) {
    raise_errno(error, NULL);
    return false;
  }
  self->data = nosigbus_region_data(self->region);
  /* Only brought in beforehand, if it can be. */
  if ((request->flags & MAP_POPULATE) != 0) madvise(self->data, (size_t)self->size, MADV_WILLNEED);
  return true;
}

static bool keep_descriptor(mapping* self, const struct request* request) {
  if (request->fd == -1 || !request->track_descriptor) return true;
  self->fd = fcntl(request->fd, F_DUPFD_CLOEXEC, 0);
  if (self->fd >= 0) return true;
  self->fd = -1;
  PyErr_SetFromErrno(PyExc_OSError);
  return false;
}

PyObject* mapping_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  struct request request;
  if (!parse(args, keywords, &request)) return NULL;
  if (!audit(&request)) return NULL;
  settle_access(&request);
  const bool anonymous = request.fd == -1 || (request.flags & MAP_ANONYMOUS) != 0;
  if (request.fd != -1 && !settle_length(&request)) return NULL;
  const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
  mapping* const self = (mapping*)allocate(type, 0);
  if (self == NULL) return NULL;
  self->fd = -1;
  self->size = request.length;
  self->offset = request.offset;
  self->prot = request.prot;
  self->access = (enum access)request.access;
  self->private_pages = (request.flags & MAP_PRIVATE) != 0;
  self->guard = (unsigned)request.guard;
  if (keep_descriptor(self, &request) &&
      (anonymous ? map_anonymous(self, &request) : map_file(self, &request))) {
    return (PyObject*)self;
  }
  Py_DECREF(self);
  return NULL;
}

/* What is to be closed is taken out first: nobody finds it half closed, whoever gets the GIL meanwhile.
 * Releasing a region waits for handlers that are at work in it. */
static void unmap(mapping* self) {
  void* const data = self->data;
  struct nosigbus_region* const region = self->region;
  const size_t size = (size_t)self->size;
  const int fd = self->fd;
  self->data = NULL;
  self->region = NULL;
  self->fd = -1;
  if (data == NULL && fd < 0) return;
  PyThreadState* const state = PyEval_SaveThread();
  if (region != NULL) {
    nosigbus_region_release(region);
  } else if (data != NULL) {
    munmap(data, size);
  }
  if (fd >= 0) close(fd);
  PyEval_RestoreThread(state);
}

PyObject* mapping_close(mapping* self, PyObject* Py_UNUSED(unused)) {
  if (self->exports > 0) {
    PyErr_SetString(PyExc_BufferError, "cannot close exported pointers exist");
    return NULL;
  }
  if (mapping_in_use(self)) {
    PyErr_SetString(PyExc_BufferError, "cannot close an mmap that another thread is at work in");
    return NULL;
  }
  unmap(self);
  Py_RETURN_NONE;
}

void mapping_dealloc(mapping* self) {
  PyTypeObject* const type = Py_TYPE((PyObject*)self);
  PyObject_GC_UnTrack(self);
  if (self->weak_references != NULL) PyObject_ClearWeakRefs((PyObject*)self);
  unmap(self);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}
