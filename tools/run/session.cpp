// SPDX-License-Identifier: MIT
#include "session.h"

#include "environment.h"
#include "report.h"
#include "signals.h"

namespace nosigbus::run {

namespace {

variables changes(const options& asked, const std::string& library, const std::string& journal) {
  variables all{{"LD_PRELOAD", preload_with(library)}, {"NOSIGBUS_JOURNAL", journal}};
  const auto add = [&all](const char* name, const std::string& value) {
    if (!value.empty()) all.emplace_back(name, value);
  };
  add("NOSIGBUS_SCOPE", asked.scope);
  add("NOSIGBUS_IO", asked.io);
  add("NOSIGBUS_WRITE", asked.write);
  add("NOSIGBUS_OWN_HANDLER", asked.own_handler);
  add("NOSIGBUS_BACKTRACE", asked.backtrace ? "1" : "0");
  return all;
}

}  // namespace

session::session(const options& asked, const std::string& program)
    : asked_(asked),
      program_(program),
      out_(asked.log),
      style_(style_for(asked.color, out_.descriptor())),
      watch_(*journal_) {}

child_state session::run(const std::string& library) {
  const started program =
      start(program_, asked_.command, changes(asked_, library, journal_.path()), &journal_->news);
  child_ = program.child;
  heard_ = program.heard;
  for (;;) {
    // Before everything that is looked at: what comes later ends the wait.
    const uint32_t news = journal_->news.load(std::memory_order_seq_cst);
    const uint32_t wakes = g_wakes.load(std::memory_order_relaxed);
    const child_state state = look_at(child_);
    if (watching()) look();
    if (state.ended()) {
      write_report(state);
      return state;
    }
    if (take_report_request()) write_report(state);
    if (state.what == child_state::stopped) {
      stop_by(state.value);
    } else {
      wait(news, wakes);
    }
  }
}

void session::look() {
  const uint32_t attached = journal_->attached.load(std::memory_order_relaxed);
  if (asked_.backtrace && attached != attached_) modules_.remember(child_);
  attached_ = attached;
  const auto found = [this](const mapping& where) {
    if (!asked_.backtrace) return;
    backtraces_[where.record] = modules_.describe(where.pid, where.callers);
    journal_.tell_named(where.record);
  };
  const auto happened = [this](const event& what, mapping where) {
    if (!asked_.follow) return;
    add_backtrace(where);
    out_.write(asked_.report == report_form::json ? json_event(what, where)
                                                  : text_event(what, where, style_));
  };
  watch_.look(found, happened);
}

void session::add_backtrace(mapping& to) const {
  const auto known = backtraces_.find(to.record);
  if (known != backtraces_.end()) to.backtrace = known->second;
}

void session::write_report(const child_state& state) {
  report now{program_,
             child_,
             state,
             journal_->attached.load(std::memory_order_relaxed),
             journal_->lost.load(std::memory_order_relaxed),
             read_mappings(*journal_)};
  for (mapping& each : now.mappings) add_backtrace(each);
  switch (asked_.report) {
    case report_form::text:
      out_.write(warning(now, style_) + text_report(now, asked_.report_asked, style_));
      break;
    case report_form::json:
      out_.write(json_report(now));
      break;
    case report_form::none:
      out_.write(warning(now, style_));
      break;
  }
}

void session::wait(uint32_t news, uint32_t wakes) const {
  constexpr unsigned often_milliseconds = 100;
  const unsigned limit = heard_ ? 0 : often_milliseconds;
  if (!watching()) {
    futex_wait(g_wakes, wakes, false, limit);
    return;
  }
  journal_.wait(news, limit);
  // In a storm of faults we look so often, and the program has nobody to wake meanwhile.
  constexpr unsigned pause_milliseconds = 10;
  futex_wait(g_wakes, wakes, false, pause_milliseconds);
}

}  // namespace nosigbus::run
