// SPDX-License-Identifier: Apache-2.0
#include "sync/scan/entry_codec.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

namespace cloudsync::sync {
namespace {

class Writer {
 public:
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void field(const T& value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void field(const std::string& value) {
    field(value.size());
    bytes_ += value;
  }
  template <typename T>
  void field(const std::optional<T>& value) {
    field(value.has_value());
    if (value) field(*value);
  }
  void field(const Metadata& value) {
    field(value.size());
    for (const auto& [name, text] : value) {
      field(name);
      field(text);
    }
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void field(T& value) {
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
  }
  void field(std::string& value) {
    std::size_t size = 0;
    field(size);
    value = take(size);
  }
  template <typename T>
  void field(std::optional<T>& value) {
    bool present = false;
    field(present);
    value.reset();
    if (present) field(value.emplace());
  }
  void field(Metadata& value) {
    std::size_t count = 0;
    field(count);
    for (; count > 0; --count) {
      std::string name;
      field(name);
      field(value[name]);
    }
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > bytes_.size())
      throw Error(ErrorCode::kInternal, "a spilled entry is cut short");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
};

// One list of fields for both directions.
template <typename Archive, typename Entry>
void all_fields(Archive& archive, Entry& entry) {
  auto& info = entry.info;
  archive.field(entry.key);
  archive.field(entry.problem);
  archive.field(entry.detail);
  archive.field(info.key.value);
  archive.field(info.size);
  archive.field(info.token.value);
  archive.field(info.version_id);
  archive.field(info.last_modified_ns);
  archive.field(info.md5);
  archive.field(info.stored_md5);
  archive.field(info.md5_candidate);
  archive.field(info.crc32c);
  archive.field(info.crc64nvme);
  archive.field(info.storage_class);
  archive.field(info.archived);
  archive.field(info.content_type);
  archive.field(info.metadata);
}

}  // namespace

std::string encode_entry(const RemoteEntry& entry) {
  Writer writer;
  all_fields(writer, entry);
  return writer.take();
}

RemoteEntry decode_entry(std::string_view bytes) {
  RemoteEntry entry;
  Reader reader(bytes);
  all_fields(reader, entry);
  return entry;
}

}  // namespace cloudsync::sync
