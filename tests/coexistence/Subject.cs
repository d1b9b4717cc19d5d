// SPDX-License-Identifier: MIT
//
// A C# program below Mono and the faults of its mappings: mono Subject.exe MODE CASE, as the programs of
// examples/embedders.
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

static unsafe class Native {
  [DllImport("nosigbus")] public static extern int nosigbus_install(uint flags);
  [DllImport("nosigbus")] public static extern int nosigbus_check();
  [DllImport("nosigbus")] public static extern int nosigbus_rearm();
  [DllImport("nosigbus")]
  public static extern int nosigbus_map(out IntPtr region, int fd, long offset, UIntPtr length, int prot, uint flags);
  [DllImport("nosigbus")] public static extern byte* nosigbus_region_data(IntPtr region);
  [DllImport("nosigbus")] public static extern int nosigbus_region_refresh(IntPtr region);
  [DllImport("nosigbus")] public static extern int nosigbus_region_release(IntPtr region);
  [DllImport("nosigbus")] public static extern UIntPtr nosigbus_safe_read(byte[] dst, byte* src, UIntPtr size);

  // What examples/embedders have in common.
  [DllImport("coexistence_ffi")] public static extern int handlers_own();
  [DllImport("coexistence_ffi")] public static extern int handlers_report_crashes();
  [DllImport("coexistence_ffi")] public static extern int handlers_describe(int signo, byte[] text, UIntPtr size);
  [DllImport("coexistence_ffi")] public static extern long guarded_sum(byte* bytes, UIntPtr size, out UIntPtr bad);

  [DllImport("libc.so.6")] public static extern int memfd_create(string name, uint flags);
  [DllImport("libc.so.6")] public static extern int ftruncate(int fd, long length);
  [DllImport("libc.so.6")] public static extern long pwrite(int fd, byte[] bytes, UIntPtr size, long offset);
  [DllImport("libc.so.6")] public static extern byte* mmap(byte* at, UIntPtr size, int prot, int flags, int fd, long offset);
  [DllImport("libc.so.6")] public static extern int close(int fd);
  [DllImport("libc.so.6")] public static extern int getpid();
  [DllImport("libc.so.6")] public static extern int kill(int pid, int signo);
  [DllImport("libc.so.6")] public static extern byte* memrchr(byte* bytes, int c, UIntPtr size);
}

static unsafe class Subject {
  const int Page = 4096, Pages = 16, Size = Page * Pages, Fill = 0x5a;
  const int Sigbus = 7, Sigsegv = 11, Ebusy = 16, Efault = 14;
  const int ProtRead = 1, MapShared = 1;
  const uint CatchSegv = 1;

  static readonly Dictionary<string, Action> Modes = new Dictionary<string, Action> {
    { "none", () => {} },
    { "installed", () => Expect(Native.nosigbus_install(0) == 0) },
    { "segv", () => Expect(Native.nosigbus_install(CatchSegv) == 0) },
    { "own", () => Expect(Native.handlers_own() == 0) },
    { "displaced", Displaced },
    { "rearmed", () => { Displaced(); Expect(Native.nosigbus_rearm() == 0); } },
  };

  static readonly Dictionary<string, Action> Cases = new Dictionary<string, Action> {
    { "region", ReadRegion },
    { "region-thread", () => InThread(ReadRegion) },
    { "race", Race },
    { "safe-read", SafeRead },
    { "guard", Guard },
    { "foreign", () => Console.WriteLine(Sum(Foreign())) },
    { "foreign-native", () => Console.WriteLine((long)Native.memrchr(Foreign(), Fill, (UIntPtr)Size)) },
    { "null", DereferenceNull },
    { "null-thread", () => InThread(DereferenceNull) },
    { "recursion", Recursion },
    { "divide", Divide },
    { "sent", () => { Native.kill(Native.getpid(), Sigbus); Thread.Sleep(10000); } },
    { "check", () => Console.WriteLine("check: {0}", -Native.nosigbus_check()) },
    { "owner", () => Console.WriteLine("SIGBUS: {0}\nSIGSEGV: {1}", Describe(Sigbus), Describe(Sigsegv)) },
  };

  static void Expect(bool condition, [CallerLineNumber] int line = 0) {
    if (condition) return;
    Console.Error.WriteLine("Subject.cs:{0}: not as expected", line);
    Environment.Exit(99);
  }

  static void Displaced() {
    Expect(Native.nosigbus_install(0) == 0 && Native.handlers_report_crashes() == 0);
    Expect(Native.nosigbus_check() == -Ebusy);
  }

  static string Describe(int signo) {
    var text = new byte[64];
    Expect(Native.handlers_describe(signo, text, (UIntPtr)text.Length) == 0);
    return System.Text.Encoding.ASCII.GetString(text).TrimEnd('\0');
  }

  static void Refill(int fd) {
    var bytes = new byte[Size];
    for (int i = 0; i < Size; ++i) bytes[i] = Fill;
    Expect(Native.pwrite(fd, bytes, (UIntPtr)Size, 0) == Size);
  }
  static int NewFile() {
    int fd = Native.memfd_create("subject", 1);
    Refill(fd);
    return fd;
  }
  static void Cut(int fd) { Expect(Native.ftruncate(fd, Page) == 0); }

  // A mapping that nosigbus knows nothing of, of which one page is left.
  static byte* Foreign() {
    int fd = NewFile();
    byte* at = Native.mmap(null, (UIntPtr)Size, ProtRead, MapShared, fd, 0);
    Cut(fd);
    Native.close(fd);
    return at;
  }

  // Adds up the byte of each page that says whether it is the file's.
  static int Sum(byte* memory) {
    int total = 0;
    for (int at = 0; at < Size; at += Page) total += *(memory + at);
    return total;
  }

  static IntPtr Map(int fd) {
    IntPtr region;
    Expect(Native.nosigbus_map(out region, fd, 0, (UIntPtr)Size, ProtRead, 0) == 0);
    return region;
  }

  // Often, while the collector is at work.
  static void ReadRegion() {
    int fd = NewFile();
    IntPtr region = Map(fd);
    for (int round = 0; round < 100; ++round) {
      byte* memory = Native.nosigbus_region_data(region);
      Expect(Sum(memory) == Pages * Fill);
      Cut(fd);
      Expect(Sum(memory) == Fill);
      Expect(Native.nosigbus_region_refresh(region) == 0);
      Refill(fd);
      Expect(Native.nosigbus_region_refresh(region) == 1);
      if (round % 10 == 0) GC.Collect();
    }
    Expect(Native.nosigbus_region_release(region) == 0);
  }

  // Threads that read while it happens. Each ends when it has met the missing part.
  static void Race() {
    int fd = NewFile();
    byte* memory = Native.nosigbus_region_data(Map(fd));
    var readers = new Thread[4];
    for (int i = 0; i < readers.Length; ++i) {
      readers[i] = new Thread(() => { while (Sum(memory) != Fill) {} });
      readers[i].Start();
    }
    GC.Collect();
    Cut(fd);
    foreach (Thread reader in readers) reader.Join();
  }

  static void SafeRead() {
    var copy = new byte[Size];
    for (int i = 0; i < Size; ++i) copy[i] = 1;
    byte* memory = Foreign();
    Expect(Native.nosigbus_safe_read(copy, memory, (UIntPtr)Size) == (UIntPtr)Page);
    for (int i = 0; i < Size; ++i) Expect(copy[i] == (i < Page ? Fill : 0));
    Expect(Native.nosigbus_safe_read(copy, memory, (UIntPtr)Page) == (UIntPtr)Page);
  }

  static void Guard() {
    UIntPtr bad;
    byte* memory = Foreign();
    Expect(Native.guarded_sum(memory, (UIntPtr)Size, out bad) == -Efault && bad == (UIntPtr)Page);
    Expect(Native.guarded_sum(memory, (UIntPtr)Page, out bad) == Page * Fill);
  }

  sealed class Box {
    public int Number = 1;
  }
  static int NumberOf(Box box) { return box.Number; }

  // Compiled code does not ask for null: Mono has SIGSEGV for that, and makes an exception of it.
  static void DereferenceNull() {
    for (int i = 0; i < 100; ++i) {
      try {
        NumberOf(null);
        Expect(false);
      } catch (NullReferenceException) {
      }
    }
    Console.WriteLine("NullReferenceException");
  }

  static int Endless(int depth) { return Endless(depth + 1) + depth; }
  static void Recursion() {
    try {
      Console.WriteLine(Endless(0));
    } catch (StackOverflowException) {
      Console.WriteLine("StackOverflowException");
    }
  }

  static int zero = 0;
  static void Divide() {
    try {
      Console.WriteLine(1 / zero);
    } catch (DivideByZeroException) {
      Console.WriteLine("DivideByZeroException");
    }
  }

  static void InThread(Action work) {
    var thread = new Thread(() => work());
    thread.Start();
    thread.Join();
  }

  static int Main(string[] arguments) {
    if (arguments.Length != 2 || !Modes.ContainsKey(arguments[0]) || !Cases.ContainsKey(arguments[1])) {
      Console.Error.WriteLine("usage: mono Subject.exe MODE CASE");
      return 64;
    }
    Modes[arguments[0]]();
    Cases[arguments[1]]();
    return 0;
  }
}
