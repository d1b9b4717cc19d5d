// SPDX-License-Identifier: MIT
#include "uploader.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace compositor {

upload::upload(uploader& owner, wl_resource* from, std::unique_ptr<shm_access> opened)
    : buffer([this, &owner] {
        if (reads_need_the_buffer()) owner.end(*this);
      }),
      memory(std::move(opened)) {
  buffer.reset(from);
}

uploader::uploader() : finished_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (finished_event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  // Signals are for the main thread, but for those that are this one's own doing: a thread that blocks SIGBUS
  // is killed by it, whatever handler there is.
  sigset_t all, before;
  sigfillset(&all);
  for (const int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL}) sigdelset(&all, own);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

uploader::~uploader() {
  {
    const std::lock_guard locked(mutex_);
    stop_ = true;
  }
  work_to_do_.notify_one();
  thread_.join();
  close(finished_event_);
}

void uploader::submit(std::unique_ptr<upload> work) {
  {
    queue added;
    added.push_back(std::move(work));
    const std::lock_guard locked(mutex_);
    waiting_.splice(waiting_.end(), added);
  }
  work_to_do_.notify_one();
}

void uploader::run() {
  std::unique_lock locked(mutex_);
  while (true) {
    work_to_do_.wait(locked, [&] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    perform_next(locked);
  }
}

void uploader::perform_next(std::unique_lock<std::mutex>& locked) {
  under_way_.splice(under_way_.end(), waiting_, waiting_.begin());
  upload& work = *under_way_.front();
  locked.unlock();

  using clock = std::chrono::steady_clock;
  const auto begin = clock::now();
  work.memory->read([&](const std::byte* memory) { work.target->copy(memory, work.format, work.area); });
  work.nanoseconds = std::chrono::nanoseconds(clock::now() - begin).count();
  work.complete = true;

  locked.lock();
  finished_.splice(finished_.end(), under_way_);
  work_done_.notify_one();
  eventfd_write(finished_event_, 1);
}

void uploader::deliver() {
  eventfd_t count;
  eventfd_read(finished_event_, &count);
  queue all;
  {
    const std::lock_guard locked(mutex_);
    all.swap(finished_);
  }
  for (const auto& each : all) {
    if (each->done) each->done(*each);
  }
}

void uploader::end(upload& work) {
  std::unique_lock locked(mutex_);
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const std::unique_ptr<upload>& each) { return each.get() == &work; });
  if (found != waiting_.end()) {
    finished_.splice(finished_.end(), waiting_, found);
    eventfd_write(finished_event_, 1);
  }
  const auto is_under_way = [&] { return !under_way_.empty() && under_way_.front().get() == &work; };
  if (!is_under_way()) return;
  // Its end may call libwayland.
  wayland_lock libwayland;
  libwayland.unlock();
  work_done_.wait(locked, [&] { return !is_under_way(); });
  locked.unlock();
  libwayland.lock();
}

}  // namespace compositor
