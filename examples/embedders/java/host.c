/* SPDX-License-Identifier: MIT
 *
 * A C program with a Java VM in it: embedder-java-host MODE CASE CLASSES LIBRARIES.
 *
 * MODE says whether its handlers come before the VM's or go in front of it again: none, before, rearmed,
 * own-before, after. CASE is one of Embedder's; CLASSES and LIBRARIES say where it and its native code are.
 */
#include <handlers.h>
#include <jni.h>
#include <nosigbus/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "expected: %s\n", what);
  exit(99);
}

static JNIEnv* create_vm(JavaVM** vm, const char* classes, const char* libraries) {
  char class_path[4096], library_path[4096];
  snprintf(class_path, sizeof class_path, "-Djava.class.path=%s", classes);
  snprintf(library_path, sizeof library_path, "-Djava.library.path=%s", libraries);
  JavaVMOption options[] = {{class_path, NULL},
                            {library_path, NULL},
                            {(char*)"-XX:-CreateCoredumpOnCrash", NULL},
                            {(char*)"-XX:ErrorFile=/dev/null", NULL}};
  JavaVMInitArgs arguments = {JNI_VERSION_1_8, sizeof options / sizeof options[0], options, JNI_FALSE};
  JNIEnv* env = NULL;
  require(JNI_CreateJavaVM(vm, (void**)&env, &arguments) == JNI_OK, "a VM");
  return env;
}

/* Embedder.main, which installs nothing by itself. */
static int run(JNIEnv* env, const char* what) {
  const jclass embedder = (*env)->FindClass(env, "Embedder");
  require(embedder != NULL, "class Embedder");
  const jmethodID main_method = (*env)->GetStaticMethodID(env, embedder, "main", "([Ljava/lang/String;)V");
  const jobjectArray arguments =
      (*env)->NewObjectArray(env, 2, (*env)->FindClass(env, "java/lang/String"), NULL);
  (*env)->SetObjectArrayElement(env, arguments, 0, (*env)->NewStringUTF(env, "none"));
  (*env)->SetObjectArrayElement(env, arguments, 1, (*env)->NewStringUTF(env, what));
  (*env)->CallStaticVoidMethod(env, embedder, main_method, arguments);
  if (!(*env)->ExceptionCheck(env)) return 0;
  (*env)->ExceptionDescribe(env);
  return 1;
}

int main(int argc, char** argv) {
  require(argc == 5, "embedder-java-host MODE CASE CLASSES LIBRARIES");
  const char* const mode = argv[1];
  JavaVM* vm = NULL;
  int error = 0;
  if (strcmp(mode, "before") == 0 || strcmp(mode, "rearmed") == 0) error = nosigbus_install(0);
  if (strcmp(mode, "own-before") == 0) error = handlers_own();
  require(error == 0, "the handler");
  JNIEnv* const env = create_vm(&vm, argv[3], argv[4]);
  if (strcmp(mode, "rearmed") == 0) error = nosigbus_rearm();
  if (strcmp(mode, "after") == 0) error = nosigbus_install(0);
  require(error == 0, "the handler in front");
  const int status = run(env, argv[2]);
  (*vm)->DestroyJavaVM(vm);
  return status;
}
