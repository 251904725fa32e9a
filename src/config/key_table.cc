// SPDX-License-Identifier: Apache-2.0
#include "config/key_table.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

#include "config/value_parsers.h"
#include "sync/scan/filter.h"

namespace cloudsync::config {
namespace {

using Text = const std::string&;

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) result.push_back(line);
  }
  return result;
}

// An empty value is one that was not given, so that ${VAR:} falls back to the provider's
// chain.
void set_credential(SyncConfig& config, const std::string& name,
                    const std::string& value) {
  if (value.empty()) {
    config.storage.credentials.erase(name);
  } else {
    config.storage.credentials[name] = value;
  }
}

template <const char* kName>
void credential(SyncConfig& config, const std::string& value) {
  set_credential(config, kName, value);
}

constexpr char kAccessKeyId[] = "aws_access_key_id";
constexpr char kSecretAccessKey[] = "aws_secret_access_key";
constexpr char kSessionToken[] = "aws_session_token";
constexpr char kServiceAccountFile[] = "service_account_file";
constexpr char kConnectionString[] = "connection_string";
constexpr char kAccountName[] = "account_name";
constexpr char kAccountKey[] = "account_key";
constexpr char kSasToken[] = "sas_token";
constexpr char kTenantId[] = "tenant_id";
constexpr char kClientId[] = "client_id";
constexpr char kClientSecret[] = "client_secret";

void set_anonymous(SyncConfig& config, Text value) {
  if (parse_bool(value)) config.storage.credentials["anonymous"] = "true";
}

void set_chunk_size(SyncConfig& config, const std::string& text) {
  config.storage.chunk_size = parse_size(text);
  if (config.storage.chunk_size == 0) {
    throw Error(ErrorCode::kInvalidArgument, "a chunk cannot be empty");
  }
}

void set_filters(SyncConfig& config, const std::string& text) {
  config.engine.filters = lines(text);
  const sync::Filter checked(config.engine.filters);
}

void set_sync_state_db(SyncConfig& config, const std::string& text) {
  if (text.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "the path of the state database is empty");
  }
  config.sync_state_db = text;
}

constexpr KeySpec kTable[] = {
    {"storage.provider", "`s3`, `gcs`, `azure` or `local`", "", "required",
     "which service holds the bucket; `local` keeps buckets in a folder",
     [](SyncConfig& c, Text v) { c.storage.provider = parse_provider(v); }},
    {"storage.bucket", "name", "", "required; `local`: data", "bucket or container",
     [](SyncConfig& c, Text v) { c.storage.bucket = v; }},
    {"storage.path", "folder", "", "`local`: required", "`local`: where the buckets live",
     [](SyncConfig& c, Text v) { c.storage.path = v; }, Masking::kNone, false, true},
    {"storage.region", "name", "", "from the provider's own settings", "S3 region",
     [](SyncConfig& c, Text v) { c.storage.region = v; }},
    {"storage.endpoint_url", "URL", "", "the provider's own",
     "another server that speaks the provider's protocol",
     [](SyncConfig& c, Text v) { c.storage.endpoint_url = parse_endpoint_url(v); }},
    {"storage.addressing_style", "`auto`, `path` or `virtual`", "auto", "",
     "S3: bucket in the path or in the host name; `auto` takes the path for an "
     "endpoint_url",
     [](SyncConfig& c, Text v) {
       c.storage.addressing_style = parse_addressing_style(v);
     }},
    {"storage.profile", "name", "", "none",
     "S3 profile of ~/.aws/config and ~/.aws/credentials",
     [](SyncConfig& c, Text v) { c.storage.profile = v; }},
    {"storage.project", "name", "", "none", "GCS project that is billed (`userProject`)",
     [](SyncConfig& c, Text v) { c.storage.project = v; }},
    {"storage.account", "name", "", "none", "Azure storage account",
     [](SyncConfig& c, Text v) { c.storage.account = v; }},
    {"storage.storage_class", "the provider's class or tier", "", "the bucket's own",
     "storage class of uploads, such as `STANDARD_IA`, `NEARLINE` or `cool`",
     [](SyncConfig& c, Text v) { c.storage.storage_class = v; }},
    {"storage.ca_bundle", "file", "", "the system's",
     "certificates to trust at the storage endpoint instead of the system's",
     [](SyncConfig& c, Text v) { c.storage.ca_bundle = v; }, Masking::kNone, false, true},
    {"storage.ca_bundle_mode", "`replace` or `add`", "replace", "",
     "`add`: the system's certificates are trusted besides ca_bundle",
     [](SyncConfig& c, Text v) { c.storage.ca_bundle_mode = parse_ca_bundle_mode(v); }},
    {"storage.auth_ca_bundle", "file", "", "the system's",
     "certificates to trust at token services too, such as an inspecting proxy's",
     [](SyncConfig& c, Text v) { c.storage.auth_ca_bundle = v; }, Masking::kNone, false,
     true},
    {"storage.allow_http", "`true` or `false`", "false", "",
     "`true` lets tokens travel over plain http to another machine",
     [](SyncConfig& c, Text v) { c.storage.allow_http = parse_bool(v); }},
    {"storage.verify_tls", "`true` or `false`", "true", "",
     "`false` accepts any certificate of the storage endpoint and warns at every start",
     [](SyncConfig& c, Text v) { c.storage.verify_tls = parse_bool(v); }},
    {"storage.server_side_encryption", "`AES256`, `aws:kms` or `aws:kms:dsse`", "",
     "the bucket's own", "S3: how uploads are encrypted by the service",
     [](SyncConfig& c, Text v) {
       c.storage.server_side_encryption = parse_server_side_encryption(v);
     }},
    {"storage.sse_kms_key_id", "key id, alias or ARN", "", "the account's own",
     "S3 with `aws:kms`: the key",
     [](SyncConfig& c, Text v) { c.storage.sse_kms_key_id = v; }},
    {"storage.sse_customer_key", "secret: 32 bytes in base64", "", "none",
     "S3: a key of your own (SSE-C), needed again for every download",
     [](SyncConfig& c, Text v) { c.storage.sse_customer_key = v; }, Masking::kFull},
    {"storage.requester_pays", "`true` or `false`", "false", "",
     "S3: requests and traffic are billed to these credentials",
     [](SyncConfig& c, Text v) { c.storage.requester_pays = parse_bool(v); }},
    {"storage.use_dual_stack", "`true` or `false`", "false", "",
     "S3 of AWS: endpoints that answer over IPv6 too",
     [](SyncConfig& c, Text v) { c.storage.use_dual_stack = parse_bool(v); }},
    {"storage.use_fips_endpoint", "`true` or `false`", "false", "",
     "S3 of AWS: endpoints with FIPS 140 cryptography",
     [](SyncConfig& c, Text v) { c.storage.use_fips_endpoint = parse_bool(v); }},
    {"storage.use_accelerate_endpoint", "`true` or `false`", "false", "",
     "S3 of AWS: transfer acceleration, which the bucket must have switched on",
     [](SyncConfig& c, Text v) { c.storage.use_accelerate_endpoint = parse_bool(v); }},
    {"storage.multipart_threshold", "size", "100MB", "", "larger files are sent in parts",
     [](SyncConfig& c, Text v) { c.storage.multipart_threshold = parse_size(v); }},
    {"storage.chunk_size", "size", "5MiB", "",
     "size of a part; grows where a file would need more parts than the provider allows",
     set_chunk_size},
    {"storage.credentials.aws_access_key_id", "text", "", "the ordinary chain", "S3",
     credential<kAccessKeyId>, Masking::kTail},
    {"storage.credentials.aws_secret_access_key", "secret", "", "the ordinary chain",
     "S3", credential<kSecretAccessKey>, Masking::kFull},
    {"storage.credentials.aws_session_token", "secret", "", "none",
     "S3, with temporary credentials", credential<kSessionToken>, Masking::kFull},
    {"storage.credentials.anonymous", "`true` or `false`", "false", "",
     "requests carry no credentials, for public buckets", set_anonymous},
    {"storage.credentials.service_account_file", "file", "", "the ordinary chain",
     "GCS: JSON key of a service account", credential<kServiceAccountFile>,
     Masking::kNone, false, true},
    {"storage.credentials.connection_string", "secret", "", "the ordinary chain", "Azure",
     credential<kConnectionString>, Masking::kFull},
    {"storage.credentials.account_name", "name", "", "none", "Azure, as storage.account",
     credential<kAccountName>},
    {"storage.credentials.account_key", "secret", "", "the ordinary chain", "Azure",
     credential<kAccountKey>, Masking::kFull},
    {"storage.credentials.sas_token", "secret", "", "the ordinary chain", "Azure",
     credential<kSasToken>, Masking::kFull},
    {"storage.credentials.tenant_id", "text", "", "the ordinary chain",
     "Azure, application of a directory", credential<kTenantId>},
    {"storage.credentials.client_id", "text", "", "the ordinary chain",
     "Azure, application of a directory", credential<kClientId>},
    {"storage.credentials.client_secret", "secret", "", "the ordinary chain",
     "Azure, application of a directory", credential<kClientSecret>, Masking::kFull},
    {"sync_state_db", "file", ".sync_state.db", "", "the state database",
     set_sync_state_db, Masking::kNone, false, true},
    {"conflict_strategy",
     "`timestamp_wins`, `local_wins`, `cloud_wins`, `manual` or `version_preserve`",
     "timestamp_wins", "", "what happens when both sides changed",
     [](SyncConfig& c, Text v) { c.conflict_strategy = parse_conflict_strategy(v); }},
    {"max_workers", "`auto` or 1 to 1024", "auto", "",
     "requests in flight; `auto` starts at 4 and finds the best",
     [](SyncConfig& c, Text v) { c.engine.max_workers = parse_max_workers(v); }},
    {"retry_attempts", "0 to 100", "3", "", "retries after the first try",
     [](SyncConfig& c, Text v) { c.storage.retry_attempts = parse_count(v, 0, 100); }},
    {"retry_delay_seconds", "duration", "5", "",
     "the wait before retry n is random below this times 2^(n-1), at most 60 s",
     [](SyncConfig& c, Text v) {
       c.storage.retry_delay_seconds = parse_duration_seconds(v);
     }},
    {"deletes", "`propagate`, `keep` or `restore`", "",
     "sync: propagate; upload, download: keep",
     "what a deletion on one side does to the other",
     [](SyncConfig& c, Text v) { c.engine.deletes = parse_deletes(v); }},
    {"max_delete", "share (`50%`) or number", "50%", "",
     "a run that would delete more than this of one side deletes nothing; the default "
     "also allows "
     "10 deletions of any tree",
     [](SyncConfig& c, Text v) { c.engine.max_delete = parse_max_delete(v); }},
    {"max_rewrite", "share (`50%`) or number", "", "none",
     "a run in which one side has new content for more than this of the known files "
     "replaces and deletes nothing",
     [](SyncConfig& c, Text v) { c.engine.max_rewrite = parse_max_delete(v); }},
    {"allow_emptied", "`true` or `false`", "false", "",
     "for spool folders: a source without a single file does not stop the deletions that "
     "follow from it",
     [](SyncConfig& c, Text v) { c.engine.allow_emptied = parse_bool(v); }},
    {"trash", "`true` or `false`", "true", "",
     "what is replaced or deleted stays in .cloudsync/trash",
     [](SyncConfig& c, Text v) { c.engine.trash = parse_bool(v); }},
    {"trash_retention", "duration", "30d", "", "how long the trash is kept",
     [](SyncConfig& c, Text v) {
       c.engine.trash_retention_seconds = std::llround(parse_retention_seconds(v));
     }},
    {"trash_limit", "share (`5%`) or size", "5%", "",
     "what replaced files may take in .cloudsync/trash, oldest out first; the default is "
     "never below 1 GB",
     [](SyncConfig& c, Text v) { c.engine.trash_limit = parse_trash_limit(v); }},
    {"trash_replaced", "`true` or `false`", "false", "",
     "also keep what is replaced in the bucket by a side that had seen it",
     [](SyncConfig& c, Text v) { c.engine.trash_replaced = parse_bool(v); }},
    {"content_hash", "`md5` or `sha256`", "md5", "", "`sha256` is kept beside MD5",
     [](SyncConfig& c, Text v) { c.engine.content_hash = parse_content_hash(v); }},
    {"require_conditional_writes", "`true` or `false`", "false", "",
     "refuse servers that do not honour preconditions",
     [](SyncConfig& c, Text v) { c.engine.require_conditional_writes = parse_bool(v); }},
    {"durability", "`batch`, `full` or `none`", "batch", "",
     "how downloads are forced to the disk: a batch at a time, each file, or not at all",
     [](SyncConfig& c, Text v) { c.engine.durability = parse_durability(v); }},
    {"links", "`skip`, `follow` or `preserve`", "skip", "",
     "what happens to symbolic links",
     [](SyncConfig& c, Text v) { c.engine.links = parse_links(v); }},
    {"empty_dirs", "`true` or `false`", "false", "", "keep empty directories too",
     [](SyncConfig& c, Text v) { c.engine.empty_dirs = parse_bool(v); }},
    {"ignore_unsafe", "`true` or `false`", "false", "",
     "files and objects that the other side cannot hold do not make the exit code 3",
     [](SyncConfig& c, Text v) { c.engine.ignore_unsafe = parse_bool(v); }},
    {"keep_metadata", "`true` or `false`", "true", "",
     "an object that is replaced keeps its content type, headers, metadata and tags",
     [](SyncConfig& c, Text v) { c.engine.keep_metadata = parse_bool(v); }},
    {"filters", "list of `- PATTERN` and `+ PATTERN`", "", "none",
     "what is left out or taken, before the filters of the command line; first match "
     "wins",
     set_filters, Masking::kNone, true},
};

// Table cells of Markdown: a bar would end the cell.
std::string default_cell(const KeySpec& spec) {
  if (!spec.default_value.empty()) return "`" + std::string(spec.default_value) + "`";
  return std::string(spec.default_note);
}

}  // namespace

std::span<const KeySpec> key_table() { return kTable; }

const KeySpec* find_key(std::string_view key) {
  const auto table = key_table();
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const KeySpec& spec) { return spec.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::vector<std::string> key_names() {
  std::vector<std::string> names;
  for (const KeySpec& spec : key_table()) names.emplace_back(spec.key);
  return names;
}

std::string environment_name(std::string_view key) {
  std::string name = "CLOUDSYNC_";
  for (const char c : key) {
    name +=
        c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string masked(const KeySpec& spec, const std::string& value) {
  if (value.empty() || spec.masking == Masking::kNone) return value;
  // Four of a short identifier would be most of it.
  if (spec.masking == Masking::kFull || value.size() < 12) return "***";
  return "***" + value.substr(value.size() - 4);
}

std::string key_table_markdown() {
  std::string text = "| key | values | default | meaning |\n|---|---|---|---|\n";
  for (const KeySpec& spec : key_table()) {
    text += "| `" + std::string(spec.key) + "` | " + std::string(spec.values) + " | " +
            default_cell(spec) + " | " + std::string(spec.meaning) + " |\n";
  }
  return text;
}

}  // namespace cloudsync::config
