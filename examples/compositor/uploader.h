// SPDX-License-Identifier: MIT
//
// The thread that reads clients' memory: it copies what they have damaged to textures, while the main thread
// serves and paints.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "region.h"
#include "resource.h"
#include "shm_access.h"
#include "texture.h"

namespace compositor {

class uploader;

// From a buffer to a texture, which belongs to the uploader's thread meanwhile.
struct upload {
  upload(uploader& owner, wl_resource* from, std::unique_ptr<shm_access> opened);

  // Of the main thread alone.
  resource_reference buffer;
  // Called once it is over. Empty: nobody is interested any more.
  std::function<void(upload&)> done;

  std::unique_ptr<shm_access> memory;
  layout format;
  region area;
  std::unique_ptr<texture> target;
  // False: the buffer was destroyed before it was its turn.
  bool complete = false;
  // Time that it took.
  long nanoseconds = 0;
};

class uploader {
 public:
  uploader();
  uploader(const uploader&) = delete;
  uploader& operator=(const uploader&) = delete;
  // What has not been begun is dropped.
  ~uploader();

  // Readable while there is something for `deliver`.
  int descriptor() const { return finished_event_; }
  void submit(std::unique_ptr<upload> work);
  // Calls `done` of those that are over.
  void deliver();
  // When it returns the memory is not read for this one any more. For a main thread that holds wayland_lock.
  void end(upload& work);

 private:
  // Work goes from one to the next without memory being asked for.
  using queue = std::list<std::unique_ptr<upload>>;

  void run();
  // With the lock held, and work to be done.
  void perform_next(std::unique_lock<std::mutex>& locked);

  std::mutex mutex_;
  std::condition_variable work_to_do_, work_done_;
  // Guarded by the mutex, but for what is in `under_way_`, which is the thread's.
  queue waiting_, under_way_, finished_;
  bool stop_ = false;

  const int finished_event_;
  std::thread thread_;
};

}  // namespace compositor
