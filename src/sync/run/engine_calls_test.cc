// SPDX-License-Identifier: Apache-2.0
// What the caller of the library does to a run: stops it, throws in a callback, forks.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/test_directory.h"
#include "cloudsync/cloud_sync.h"

namespace cloudsync {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr char kEmptyListing[] =
    "<?xml version=\"1.0\"?><ListBucketResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name><Prefix>"
    "</Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>"
    "<IsTruncated>false</IsTruncated></ListBucketResult>";

// Takes connections; answers every request with an empty listing, or never.
class SmallServer {
 public:
  explicit SmallServer(bool answers) : answers_(answers) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof place;
    auto* address = reinterpret_cast<sockaddr*>(&place);
    EXPECT_EQ(::bind(listener_, address, size), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    EXPECT_EQ(::getsockname(listener_, address, &size), 0);
    port_ = ntohs(place.sin_port);
    accepter_ = std::thread([this] { accept_all(); });
  }
  ~SmallServer() {
    ::shutdown(listener_, SHUT_RDWR);
    accepter_.join();
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    for (auto& thread : threads_) thread.join();
    for (const int fd : open_) ::close(fd);
    ::close(listener_);
  }
  SmallServer(const SmallServer&) = delete;
  SmallServer& operator=(const SmallServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) const {
    std::string received;
    char buffer[4096];
    for (;;) {
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      if (n <= 0) return;
      received.append(buffer, static_cast<std::size_t>(n));
      if (!received.ends_with("\r\n\r\n") || !answers_) continue;
      received.clear();
      const std::string body = kEmptyListing;
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body;
      if (::write(fd, answer.data(), answer.size()) < 0) return;
    }
  }

  const bool answers_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread accepter_;
};

StorageOptions s3_options(const SmallServer& server) {
  StorageOptions options;
  options.provider = "s3";
  options.bucket = "bucket";
  options.region = "us-east-1";
  options.endpoint_url = server.url();
  options.credentials = {{"aws_access_key_id", "key"},
                         {"aws_secret_access_key", "secret-value-0123456789"}};
  return options;
}

class EngineCalls : public ::testing::Test {
 protected:
  std::string root() {
    std::filesystem::create_directories(directory_ / "root");
    return directory_ / "root";
  }
  CloudSyncEngine engine(StorageOptions options) {
    return CloudSyncEngine(make_cloud_storage(options), directory_ / "state.db");
  }
  CloudSyncEngine local_engine() {
    StorageOptions options;
    options.provider = "local";
    options.path = directory_ / "buckets";
    options.bucket = "bucket";
    return engine(options);
  }

  base::TestDirectory directory_;
};

// How long after the stop the call went on.
std::chrono::milliseconds stopped(const std::function<void(std::stop_token)>& call) {
  std::stop_source stop;
  steady_clock::time_point asked;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(200ms);
    asked = steady_clock::now();
    stop.request_stop();
  });
  call(stop.get_token());
  const auto ended = steady_clock::now();
  stopper.join();
  return std::chrono::duration_cast<std::chrono::milliseconds>(ended - asked);
}

void expect_cancelled(const std::function<void(std::stop_token)>& call) {
  const auto took = stopped([&](const std::stop_token& stop) {
    try {
      call(stop);
      ADD_FAILURE() << "it returned";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCancelled) << error.what();
    }
  });
  EXPECT_GE(took, 0ms) << "it did not wait for the server";
  EXPECT_LT(took, 2000ms);
}

TEST_F(EngineCalls, EachCallOfTheStorageEndsWithinTwoSecondsOfAStop) {
  const SmallServer server(false);
  auto options = s3_options(server);
  options.multipart_threshold = 1'000'000;
  const auto cloud = make_cloud_storage(options);
  directory_.write("small", "content");
  directory_.write("large", std::string(2'000'000, 'x'));
  const std::string small = directory_ / "small";
  const std::string large = directory_ / "large";
  const std::string target = directory_ / "target";
  using Stop = std::stop_token;
  expect_cancelled([&](Stop stop) { cloud->connect(stop); });
  expect_cancelled([&](Stop stop) { cloud->upload_file(small, "a", {}, stop); });
  expect_cancelled([&](Stop stop) { cloud->upload_file(large, "a", {}, stop); });
  expect_cancelled([&](Stop stop) { cloud->download_file("a", target, {}, stop); });
  expect_cancelled([&](Stop stop) { cloud->list_files("", stop); });
  expect_cancelled([&](Stop stop) { cloud->delete_file("a", stop); });
}

TEST_F(EngineCalls, EachRunEndsWithinTwoSecondsOfAStop) {
  const SmallServer server(false);
  auto engine = this->engine(s3_options(server));
  root();
  directory_.write("root/a", "content");
  const auto identity = engine.identity(root(), "p/");
  PairRecord pair;
  ConflictRow conflict;
  {
    const auto state = open_state_database(directory_ / "state.db");
    pair = state->pair(identity);
    FailedRecord failure;
    failure.pair = pair.id;
    failure.key = "a";
    conflict.pair = pair.id;
    conflict.key = "b";
    const std::vector<StateChange> changes = {UpsertFailure{failure},
                                              UpsertConflict{conflict}};
    state->apply(changes);
  }
  SyncConflict chosen;
  chosen.file_path = "b";
  chosen.local = conflict.local;
  chosen.cloud = conflict.cloud;
  chosen.resolution = ConflictStrategy::kLocalWins;
  const std::vector<std::function<SyncProgress(const RunOptions&)>> calls = {
      [&](const RunOptions& o) { return engine.upload_directory(root(), "p/", o); },
      [&](const RunOptions& o) { return engine.download_directory("p/", root(), o); },
      [&](const RunOptions& o) {
        return engine.sync_bidirectional(root(), "p/", o).first;
      },
      [&](const RunOptions& o) { return engine.retry_failed(pair, o); },
      [&](const RunOptions& o) {
        return engine.resolve_conflict(pair, "b", Keep::kLocal, o);
      },
      [&](const RunOptions& o) {
        return engine.resolve_conflicts(root(), "p/", {chosen}, o);
      },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    SCOPED_TRACE(i);
    const auto took = stopped([&](const std::stop_token& stop) {
      RunOptions options;
      options.stop = stop;
      EXPECT_TRUE(calls[i](options).stopped);
    });
    EXPECT_GE(took, 0ms) << "it did not wait for the server";
    EXPECT_LT(took, 2000ms);
  }
}

struct OwnFault {
  int number;
};

TEST_F(EngineCalls, WhatACallbackThrowsReachesTheCallerAndTheRunIsInOrder) {
  auto engine = local_engine();
  root();
  for (int i = 0; i < 50; ++i) directory_.write("root/f" + std::to_string(i), "content");
  RunOptions options;
  int calls = 0;
  options.on_action = [&](const ActionEvent&) {
    if (++calls == 3) throw OwnFault{7};
  };
  try {
    engine.upload_directory(root(), "p/", options);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const OwnFault& fault) {
    EXPECT_EQ(fault.number, 7);
  }
  EXPECT_EQ(calls, 3) << "a callback that threw is not called again";
  {
    const auto state = open_state_database(directory_ / "state.db", OpenMode::kReadOnly);
    EXPECT_EQ(state->recent_runs(1).front().outcome, RunOutcome::kStopped);
    EXPECT_GE(state->count_base_rows(state->pairs().front().id), 3U);
  }
  const auto again = engine.upload_directory(root(), "p/", {});
  EXPECT_EQ(again.uploaded + again.unchanged, 50U);
  EXPECT_EQ(again.conflicts, 0U);
}

TEST_F(EngineCalls, ProgressThatThrowsEndsTheRunToo) {
  auto engine = local_engine();
  root();
  for (int i = 0; i < 10; ++i) directory_.write("root/f" + std::to_string(i), "content");
  RunOptions options;
  options.on_action = [](const ActionEvent&) { std::this_thread::sleep_for(50ms); };
  options.on_progress = [](const ProgressSnapshot&) {
    throw std::runtime_error("the display is gone");
  };
  EXPECT_THROW(engine.sync_bidirectional(root(), "p/", options), std::runtime_error);
  EXPECT_EQ(engine.sync_bidirectional(root(), "p/", {}).first.failed, 0U);
}

TEST_F(EngineCalls, ProgressOfATransferInPartsMayThrow) {
  StorageOptions options;
  options.provider = "local";
  options.path = directory_ / "buckets";
  options.bucket = "bucket";
  options.multipart_threshold = 100'000;
  options.chunk_size = 30'000;
  const auto cloud = make_cloud_storage(options);
  directory_.write("large", std::string(500'000, 'x'));
  EXPECT_THROW(cloud->upload_file(directory_ / "large", "a",
                                  [](std::uint64_t) { throw OwnFault{1}; }),
               OwnFault);
  EXPECT_TRUE(cloud->list_files().empty());
}

// Exit status of a child that runs `work` and says whether it was right.
int in_child(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 2;
    try {
      status = work() ? 0 : 1;
    } catch (const std::exception&) {
      status = 3;
    }
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(EngineCalls, ChildAfterForkHasConnectionsOfItsOwn) {
  const SmallServer server(true);
  const auto cloud = make_cloud_storage(s3_options(server));
  EXPECT_TRUE(cloud->list_files().empty());
  EXPECT_TRUE(cloud->list_files().empty());
  ASSERT_EQ(server.connections(), 1);
  EXPECT_EQ(in_child([&] { return cloud->list_files().empty(); }), 0);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_TRUE(cloud->list_files().empty());
  EXPECT_EQ(server.connections(), 2) << "the parent's connection is as it was";
}

TEST_F(EngineCalls, ChildAfterForkRunsWithADatabaseOfItsOwn) {
  auto engine = local_engine();
  root();
  directory_.write("root/a", "content");
  EXPECT_EQ(engine.upload_directory(root(), "p/", {}).uploaded, 1U);
  directory_.write("root/b", "content");
  EXPECT_EQ(in_child([&] { return engine.upload_directory(root(), "p/").uploaded == 1; }),
            0);
  EXPECT_EQ(engine.upload_directory(root(), "p/", {}).unchanged, 2U);
}

TEST_F(EngineCalls, ChildRefusesADatabaseThatItsParentHasOpen) {
  const auto state = open_state_database(directory_ / "state.db");
  const auto refused = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code() == ErrorCode::kUnsupported;
    }
    return false;
  };
  EXPECT_EQ(in_child([&] {
              return refused([&] { state->set_meta("a", "b"); }) &&
                     refused([&] { open_state_database(directory_ / "state.db"); });
            }),
            0);
  state->set_meta("a", "c");
  EXPECT_EQ(state->meta("a"), "c");
}

}  // namespace
}  // namespace cloudsync
