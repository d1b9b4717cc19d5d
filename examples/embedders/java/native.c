/* SPDX-License-Identifier: MIT
 *
 * The native methods of Nosigbus, Region and Handlers. Errors are -errno; exceptions are made in Java.
 */
#include <errno.h>
#include <fcntl.h>
#include <guarded.h>
#include <handlers.h>
#include <jni.h>
#include <nosigbus/copy.h>
#include <nosigbus/region.h>
#include <nosigbus/runtime.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct nosigbus_region* region_of(jlong handle) { return (struct nosigbus_region*)(intptr_t)handle; }

static jint install(JNIEnv* env, jclass self, jint flags) {
  (void)env, (void)self;
  return nosigbus_install((unsigned)flags);
}
static jint check(JNIEnv* env, jclass self) {
  (void)env, (void)self;
  return nosigbus_check();
}
static jint rearm(JNIEnv* env, jclass self) {
  (void)env, (void)self;
  return nosigbus_rearm();
}

static jint safe_read(JNIEnv* env, jclass self, jbyteArray destination, jobject source) {
  (void)self;
  const void* const memory = (*env)->GetDirectBufferAddress(env, source);
  const jsize size = (*env)->GetArrayLength(env, destination);
  /* Not the array itself: while it is held, the collector waits, and a fault takes its time. */
  jbyte* const copy = malloc(size > 0 ? (size_t)size : 1);
  if (copy == NULL || memory == NULL) {
    free(copy);
    return -ENOMEM;
  }
  const size_t copied = nosigbus_safe_read(copy, memory, (size_t)size);
  (*env)->SetByteArrayRegion(env, destination, 0, size, copy);
  free(copy);
  return (jint)copied;
}

/* path ends with a NUL. */
static jint map(JNIEnv* env, jclass self, jlongArray handle, jbyteArray path, jlong length) {
  (void)self;
  struct nosigbus_region* region = NULL;
  if (length <= 0) return -EINVAL;
  jbyte* const name = (*env)->GetByteArrayElements(env, path, NULL);
  if (name == NULL) return -ENOMEM;
  const int fd = open((const char*)name, O_RDONLY | O_CLOEXEC);
  const int open_error = fd < 0 ? -errno : 0;
  (*env)->ReleaseByteArrayElements(env, path, name, JNI_ABORT);
  if (fd < 0) return open_error;
  const int error = nosigbus_map(&region, fd, 0, (size_t)length, PROT_READ, 0);
  close(fd);
  const jlong value = (jlong)(intptr_t)region;
  if (error == 0) (*env)->SetLongArrayRegion(env, handle, 0, 1, &value);
  return error;
}

static jobject buffer(JNIEnv* env, jclass self, jlong handle) {
  (void)self;
  struct nosigbus_region* const region = region_of(handle);
  return (*env)->NewDirectByteBuffer(env, nosigbus_region_data(region), (jlong)nosigbus_region_size(region));
}

static jlong first_bad_offset(JNIEnv* env, jclass self, jlong handle) {
  (void)env, (void)self;
  struct nosigbus_region_status status;
  nosigbus_region_status(region_of(handle), &status, sizeof status);
  return status.overlaid ? (jlong)status.first_bad_offset : -ENOENT;
}

static jint refresh(JNIEnv* env, jclass self, jlong handle) {
  (void)env, (void)self;
  return nosigbus_region_refresh(region_of(handle));
}

static void release(JNIEnv* env, jclass self, jlong handle) {
  (void)env, (void)self;
  nosigbus_region_release(region_of(handle));
}

static jint own(JNIEnv* env, jclass self) {
  (void)env, (void)self;
  return handlers_own();
}
static jint report_crashes(JNIEnv* env, jclass self) {
  (void)env, (void)self;
  return handlers_report_crashes();
}
static jstring describe(JNIEnv* env, jclass self, jint signo) {
  (void)self;
  char text[64];
  return handlers_describe(signo, text, sizeof text) == 0 ? (*env)->NewStringUTF(env, text) : NULL;
}
static jint sum_in_c(JNIEnv* env, jclass self, jobject memory) {
  (void)self;
  const volatile unsigned char* const bytes = (*env)->GetDirectBufferAddress(env, memory);
  const jlong size = (*env)->GetDirectBufferCapacity(env, memory);
  jint total = 0;
  for (jlong i = 0; i < size; ++i) total += bytes[i];
  return total;
}
/* The offset of the first byte that is missing, or the size. */
static jlong guarded_length(JNIEnv* env, jclass self, jobject memory) {
  (void)self;
  size_t bad = 0;
  const jlong size = (*env)->GetDirectBufferCapacity(env, memory);
  guarded_sum((*env)->GetDirectBufferAddress(env, memory), (size_t)size, &bad);
  return (jlong)bad;
}
static void send_signal(JNIEnv* env, jclass self, jint signo) {
  (void)env, (void)self;
  raise(signo);
}

#define METHOD(name, signature, function) \
  { (char*)(name), (char*)(signature), (void*)(function) }
#define COUNT(array) ((jint)(sizeof(array) / sizeof(array)[0]))

static const JNINativeMethod g_nosigbus[] = {
    METHOD("install0", "(I)I", install),
    METHOD("check0", "()I", check),
    METHOD("rearm0", "()I", rearm),
    METHOD("safeRead0", "([BLjava/nio/ByteBuffer;)I", safe_read),
};
static const JNINativeMethod g_region[] = {
    METHOD("map0", "([J[BJ)I", map),
    METHOD("buffer0", "(J)Ljava/nio/ByteBuffer;", buffer),
    METHOD("firstBadOffset0", "(J)J", first_bad_offset),
    METHOD("refresh0", "(J)I", refresh),
    METHOD("release0", "(J)V", release),
};
static const JNINativeMethod g_handlers[] = {
    METHOD("own0", "()I", own),
    METHOD("reportCrashes0", "()I", report_crashes),
    METHOD("describe", "(I)Ljava/lang/String;", describe),
    METHOD("sumInC", "(Ljava/nio/ByteBuffer;)I", sum_in_c),
    METHOD("guardedLength", "(Ljava/nio/ByteBuffer;)J", guarded_length),
    METHOD("send", "(I)V", send_signal),
};

static int add(JNIEnv* env, const char* name, const JNINativeMethod* methods, jint count) {
  const jclass found = (*env)->FindClass(env, name);
  return found != NULL && (*env)->RegisterNatives(env, found, methods, count) == 0;
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM* vm, void* reserved) {
  JNIEnv* env = NULL;
  (void)reserved;
  if ((*vm)->GetEnv(vm, (void**)&env, JNI_VERSION_1_8) != JNI_OK) return JNI_ERR;
  const int is_complete = add(env, "nosigbus/Nosigbus", g_nosigbus, COUNT(g_nosigbus)) &&
                          add(env, "nosigbus/Region", g_region, COUNT(g_region)) &&
                          add(env, "nosigbus/Handlers", g_handlers, COUNT(g_handlers));
  return is_complete ? JNI_VERSION_1_8 : JNI_ERR;
}
