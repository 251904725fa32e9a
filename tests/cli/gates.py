# SPDX-License-Identifier: Apache-2.0
"""Services that ask for a pass: a gate before a real server that takes short-lived credentials and
nothing else, and the endpoints that issue them, as their documentation says."""
import base64
import email.utils
import hashlib
import http.client
import http.server
import json
import re
import secrets
import ssl
import subprocess
import threading
import time
import urllib.parse


class Loopback:
    """An HTTP server in threads of this process; `answer(method, target, headers, body)` gives
    (status, headers, body); `current.client` is the other end of the connection that asks."""

    def __init__(self, answer):
        outer = self
        self.requests = []
        self.current = threading.local()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body leave together; apart, each answer waits for an acknowledgement.
            wbufsize = -1
            disable_nagle_algorithm = True

            def handle_one(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.current.client = self.client_address
                outer.requests.append((self.command, self.path, headers, body))
                status, reply, content = answer(self.command, self.path, headers, body)
                self.send_response_only(status)
                for name, value in reply.items():
                    self.send_header(name, value)
                if "content-length" not in {name.lower() for name in reply}:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = handle_one

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.scheme = "http"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def use_tls(self, certificate, key):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "https"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def as_json(status, document, **headers):
    return status, {"Content-Type": "application/json", **headers}, json.dumps(document).encode()


def forward(upstream, method, target, headers, body):
    """(status, headers, body) of the server at `upstream`."""
    place = urllib.parse.urlsplit(upstream)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    try:
        connection.request(method, target, body or None, headers)
        reply = connection.getresponse()
        content = reply.read()
    finally:
        connection.close()
    dropped = ["connection", "transfer-encoding", "keep-alive", "date"]
    if method != "HEAD":
        dropped.append("content-length")
    kept = {name: value for name, value in reply.getheaders() if name.lower() not in dropped}
    return reply.status, {**kept, "Date": email.utils.formatdate(usegmt=True)}, content


HOP_HEADERS = ("host", "connection", "expect", "transfer-encoding")


class ResumingGcs:
    """fake-gcs-server behind resumable sessions as the service documents them, which it has not: bytes
    are kept here and stored, with the session's precondition, when the last of them has come."""

    def __init__(self, server):
        self.server = server
        self.sessions = {}
        self.lock = threading.Lock()
        self.loopback = Loopback(self.answer)
        self.endpoint = self.loopback.url

    def stop(self):
        self.loopback.stop()
        self.server.stop()

    def answer(self, method, target, headers, body):
        path, _, query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path.startswith("/session/"):
            with self.lock:
                session = self.sessions.get(path)
            return self.session_request(path, session, method, headers, body)
        if query.get("uploadType") == "resumable" and method == "POST":
            return self.begin(path, query, headers, body)
        headers = {name: value for name, value in headers.items() if name not in HOP_HEADERS}
        return forward(self.server.endpoint, method, target, headers, body)

    def begin(self, path, query, headers, body):
        place = f"/session/{secrets.token_hex(16)}"
        session = {"path": path, "query": query, "resource": json.loads(body or b"{}"),
                   "type": headers.get("x-upload-content-type"), "bytes": bytearray()}
        session["resource"].setdefault("name", query.get("name"))
        with self.lock:
            self.sessions[place] = session
        return 200, {"Location": self.endpoint + place}, b""

    def session_request(self, place, session, method, headers, body):
        if session is None:
            return 404, {}, b"No such upload session"
        if method == "DELETE":
            with self.lock:
                del self.sessions[place]
            return 499, {}, b""
        kept = session["bytes"]
        asked = re.fullmatch(r"bytes (\*|(\d+)-(\d+))/(\*|\d+)", headers.get("content-range", ""))
        total = None
        if asked:
            total = None if asked[4] == "*" else int(asked[4])
            start = int(asked[2]) if asked[2] else len(kept)
        else:
            start, total = 0, len(body)
        if start > len(kept):
            return 503, {}, b"Invalid request. Bytes are missing before this chunk."
        kept.extend(body[len(kept) - start:])
        if total is None or len(kept) < total:
            whole = len(kept) - len(kept) % (256 << 10)
            del kept[whole:]
            return 308, {"Range": f"bytes=0-{whole - 1}"} if whole else {}, b""
        return self.finish(place, session, headers)

    def finish(self, place, session, headers):
        if "done" in session:
            return session["done"]
        resource = session["resource"]
        if session["type"]:
            resource.setdefault("contentType", session["type"])
        for said in headers.get("x-goog-hash", "").split(","):
            name, _, value = said.strip().partition("=")
            if name in ("crc32c", "md5"):
                resource[{"crc32c": "crc32c", "md5": "md5Hash"}[name]] = value
        query = urllib.parse.urlencode({**session["query"], "uploadType": "multipart"})
        body = (f"--edge\r\nContent-Type: application/json\r\n\r\n{json.dumps(resource)}\r\n--edge\r\n"
                f"Content-Type: {resource.get('contentType', 'application/octet-stream')}\r\n\r\n")
        answer = forward(self.server.endpoint, "POST", f"{session['path']}?{query}",
                         {"Content-Type": "multipart/related; boundary=edge"},
                         body.encode() + session["bytes"] + b"\r\n--edge--\r\n")
        session["done"] = answer
        return answer


class Gate:
    """Passes on to the bucket's server what shows the newest pass. `expire_after` data requests the
    pass is expired, once; `closed_since` is when the last one was refused."""

    def __init__(self, bucket):
        self.bucket = bucket
        self.lock = threading.Lock()
        self.serial = 0
        self.seconds = 3600
        self.seen = 0
        self.expire_after = None
        self.issuing = True
        self.refusals = []
        # Looked up at each request, so that a test may put its own in front.
        self.loopback = Loopback(lambda *request: self.answer(*request))
        self.url = self.loopback.url

    def stop(self):
        self.loopback.stop()

    def issue(self):
        """The name of a new pass, or nothing when there are no more."""
        with self.lock:
            if not self.issuing:
                return None
            self.serial += 1
            return f"pass-{self.serial}"

    def is_valid(self, shown):
        with self.lock:
            valid = self.serial > 0 and shown == f"pass-{self.serial}" and not self.expired()
            if valid:
                self.seen += 1
            else:
                self.refusals.append(time.monotonic())
            return valid

    def expired(self):
        return self.expire_after is not None and self.seen >= self.expire_after and self.serial == 1

    def answer(self, method, target, headers, body):
        if not self.is_valid(self.shown_by(headers)):
            return self.refusal()
        forwarded = {name: value for name, value in headers.items() if self.goes_through(name)}
        forwarded = self.signed(method, target, forwarded, body)
        status, reply, content = forward(self.bucket.server.endpoint, method, target, forwarded, body)
        own = {name: value.replace(self.bucket.server.endpoint, self.url)
               for name, value in reply.items()}
        return status, own, content

    def goes_through(self, name):
        return name != "authorization" and name not in HOP_HEADERS

    def signed(self, method, target, headers, body):
        return headers


class GcsGate(Gate):
    def storage(self):
        return {**self.bucket.storage(), "endpoint_url": self.url, "credentials": None}

    def shown_by(self, headers):
        return headers.get("authorization", "").removeprefix("Bearer ")

    def refusal(self):
        return as_json(401, {"error": {"code": 401, "message": "Invalid Credentials", "errors": [
            {"domain": "global", "reason": "authError", "message": "Invalid Credentials"}]}},
            **{"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'})


class AzureGate(Gate):
    def storage(self):
        return {**self.bucket.storage(), "endpoint_url": f"{self.url}/{self.bucket.server.account}",
                "account": self.bucket.server.account, "credentials": None}

    def shown_by(self, headers):
        return headers.get("authorization", "").removeprefix("Bearer ")

    def refusal(self):
        return 401, {"x-ms-error-code": "InvalidAuthenticationInfo", "Content-Type": "application/xml",
                     "WWW-Authenticate": "Bearer authorization_uri=https://login.microsoftonline.com/t "
                                         "resource_id=https://storage.azure.com"}, (
            b'<?xml version="1.0"?><Error><Code>InvalidAuthenticationInfo</Code>'
            b"<Message>Server failed to authenticate the request. Please refer to the information in "
            b"the www-authenticate header.</Message></Error>")

    def signed(self, method, target, headers, body):
        path, _, query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        headers = {**headers, "x-ms-date": email.utils.formatdate(usegmt=True)}
        headers.pop("date", None)
        headers["Authorization"] = self.bucket.authorization(method, path, query, headers, len(body))
        return headers


class S3Gate(Gate):
    """Passes are the session tokens; key and secret are one pair for all of them."""
    key, secret = "ASIAGATEEXAMPLE", "gate-secret-value-0123456789"

    def storage(self):
        return {**self.bucket.storage(), "endpoint_url": self.url, "credentials": None}

    def shown_by(self, headers):
        if f"Credential={self.key}/" not in headers.get("authorization", ""):
            return ""
        return headers.get("x-amz-security-token", "")

    def refusal(self):
        return 400, {"Content-Type": "application/xml"}, (
            b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code>'
            b"<Message>The provided token has expired.</Message></Error>")

    def goes_through(self, name):
        return super().goes_through(name) and name not in ("x-amz-security-token", "x-amz-date",
                                                           "content-length")

    def signed(self, method, target, headers, body):
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        request = AWSRequest(method, self.bucket.server.endpoint + target, headers, body)
        request.context["client_config"] = None
        request.context["payload_signing_enabled"] = True
        server = self.bucket.server
        signer = S3SigV4Auth(Credentials(server.user, server.secret), "s3", "us-east-1")
        signer.add_auth(request)
        return dict(request.headers.items())

    def aws_document(self):
        issued = self.issue()
        if issued is None:
            return None
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.seconds))
        return {"AccessKeyId": self.key, "SecretAccessKey": self.secret, "Token": issued,
                "Expiration": end}


def private_key():
    return subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
                           "rsa_keygen_bits:2048"], check=True, capture_output=True).stdout.decode()


def bearer(issued, seconds):
    return {"access_token": issued, "expires_in": seconds, "token_type": "Bearer"}


class Issuer:
    """Base of the endpoints: `environment` is what a machine needs to find this one."""

    def __init__(self, gate, folder):
        self.gate = gate
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.loopback = Loopback(self.answer)
        self.environment = {}
        self.storage = {}
        self.prepare()

    def stop(self):
        self.loopback.stop()

    @property
    def place(self):
        return f"127.0.0.1:{self.loopback.port}"


# A GCS endpoint on loopback is an emulator to which only a named file is shown; the ordinary chain and
# the metadata server are tested with the chain's own code.
class GcsServiceAccount(Issuer):
    gate_class, says = GcsGate, ["invalid_grant", "service-account.json"]

    def prepare(self):
        file = self.folder / "service-account.json"
        file.write_text(json.dumps({
            "type": "service_account", "client_email": "robot@project.iam.gserviceaccount.com",
            "private_key_id": "kid-1", "private_key": private_key(), "project_id": "project",
            "token_uri": self.loopback.url + "/token"}))
        self.storage = {"credentials": {"service_account_file": str(file)}}

    def answer(self, method, target, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims = form["assertion"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        assert claims["iss"] == "robot@project.iam.gserviceaccount.com", claims
        issued = self.gate.issue()
        if issued is None:
            return as_json(400, {"error": "invalid_grant",
                                 "error_description": "Invalid JWT Signature."})
        return as_json(200, bearer(issued, self.gate.seconds))


class GcsExternalAccount(Issuer):
    """Workload identity federation: a subject token from a file, exchanged at the STS endpoint."""
    gate_class, says = GcsGate, ["invalid_grant"]

    def prepare(self):
        (self.folder / "subject").write_text("subject-token")
        file = self.folder / "external.json"
        file.write_text(json.dumps({
            "type": "external_account", "audience": "//iam.googleapis.com/pool/provider",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": self.loopback.url + "/v1/token",
            "credential_source": {"file": str(self.folder / "subject")}}))
        self.storage = {"credentials": {"service_account_file": str(file)}}

    def answer(self, method, target, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        assert form["subject_token"] == "subject-token", form
        assert form["audience"] == "//iam.googleapis.com/pool/provider", form
        issued = self.gate.issue()
        if issued is None:
            return as_json(400, {"error": "invalid_grant", "error_description": "The token expired."})
        return as_json(200, bearer(issued, self.gate.seconds))


def entra_refusal(code, words):
    return as_json(400 if code != "AADSTS7000215" else 401,
                   {"error": "invalid_client" if code != "AADSTS90002" else "invalid_request",
                    "error_description": f"{code}: {words}", "error_codes": [int(code[6:])]})


class AzureClientSecret(Issuer):
    gate_class, says = AzureGate, ["AADSTS700082"]
    tenant = "11111111-2222-3333-4444-555555555555"

    def prepare(self):
        self.environment = {"AZURE_AUTHORITY_HOST": self.loopback.url, "AZURE_TENANT_ID": self.tenant,
                            "AZURE_CLIENT_ID": "the-client", "AZURE_CLIENT_SECRET": "the-secret-value"}

    def check(self, form):
        if form.get("client_secret") != "the-secret-value":
            return entra_refusal("AADSTS7000215", "Invalid client secret provided.")
        return None

    def answer(self, method, target, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if "/oauth2/v2.0/token" not in target:
            return as_json(404, {})
        tenant = target.split("/")[1]
        if tenant != self.tenant:
            return entra_refusal("AADSTS90002", f"Tenant '{tenant}' not found.")
        assert form["scope"].endswith("/.default") and form["client_id"] == "the-client", form
        refused = self.check(form)
        if refused:
            return refused
        issued = self.gate.issue()
        if issued is None:
            return entra_refusal("AADSTS700082", "The token has expired due to inactivity.")
        return as_json(200, bearer(issued, self.gate.seconds))


class AzureWorkloadIdentity(AzureClientSecret):
    def prepare(self):
        (self.folder / "federated").write_text("federated-token")
        self.environment = {"AZURE_AUTHORITY_HOST": self.loopback.url, "AZURE_TENANT_ID": self.tenant,
                            "AZURE_CLIENT_ID": "the-client",
                            "AZURE_FEDERATED_TOKEN_FILE": str(self.folder / "federated")}

    def check(self, form):
        assert form["client_assertion"] == "federated-token", form
        assert form["client_assertion_type"].endswith(":jwt-bearer"), form
        return None


class AzureManagedIdentity(Issuer):
    gate_class, says = AzureGate, ["managed identity"]

    def prepare(self):
        self.environment = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.loopback.url,
                            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}

    def answer(self, method, target, headers, body):
        if headers.get("metadata") != "true":
            return as_json(400, {"error": "invalid_request"})
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))
        assert query["resource"].startswith("https://storage.azure.com"), query
        issued = self.gate.issue()
        if issued is None:
            return as_json(400, {"error": "invalid_request", "error_description": "Identity not found"})
        end = int(time.time()) + self.gate.seconds
        return as_json(200, {"access_token": issued, "expires_in": str(self.gate.seconds),
                             "expires_on": str(end), "resource": query["resource"],
                             "token_type": "Bearer"})


class AwsInstanceMetadata(Issuer):
    gate_class, says = S3Gate, ["xpired"]

    def prepare(self):
        self.environment = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.loopback.url}

    def answer(self, method, target, headers, body):
        if method == "PUT" and target == "/latest/api/token":
            return 200, {}, b"imds-session"
        if headers.get("x-aws-ec2-metadata-token") != "imds-session":
            return 401, {}, b""
        if target == "/latest/meta-data/iam/security-credentials/":
            return 200, {}, b"the-role"
        if target != "/latest/meta-data/iam/security-credentials/the-role":
            return 404, {}, b""
        document = self.gate.aws_document()
        return as_json(200, {"Code": "Success", **document}) if document else (404, {}, b"")


class AwsContainer(Issuer):
    gate_class, says = S3Gate, ["xpired"]

    def prepare(self):
        self.environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.loopback.url + "/credentials",
                            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"}

    def answer(self, method, target, headers, body):
        if headers.get("authorization") != "container-token":
            return 401, {}, b""
        document = self.gate.aws_document()
        return as_json(200, document) if document else as_json(403, {"message": "role is gone"})


def sts_credentials(document):
    return (f"<Credentials><AccessKeyId>{document['AccessKeyId']}</AccessKeyId>"
            f"<SecretAccessKey>{document['SecretAccessKey']}</SecretAccessKey>"
            f"<SessionToken>{document['Token']}</SessionToken>"
            f"<Expiration>{document['Expiration']}</Expiration></Credentials>")


class AwsWebIdentity(Issuer):
    gate_class, says = S3Gate, ["ExpiredTokenException"]
    action = "AssumeRoleWithWebIdentity"

    def prepare(self):
        (self.folder / "identity").write_text("identity-token")
        self.environment = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(self.folder / "identity"),
                            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/sync",
                            "AWS_ENDPOINT_URL_STS": self.loopback.url, "AWS_REGION": "us-east-1"}

    def check(self, headers, form):
        assert form["WebIdentityToken"] == "identity-token", form

    def answer(self, method, target, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        assert form["Action"] == self.action, form
        self.check(headers, form)
        document = self.gate.aws_document()
        if document is None:
            return 400, {"Content-Type": "text/xml"}, (
                b"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
                b"<Message>Token expired</Message></Error></ErrorResponse>")
        return 200, {"Content-Type": "text/xml"}, (
            f"<{self.action}Response><{self.action}Result>{sts_credentials(document)}"
            f"</{self.action}Result></{self.action}Response>").encode()


class AwsAssumeRole(AwsWebIdentity):
    action = "AssumeRole"

    def prepare(self):
        (self.folder / "config").write_text(
            "[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = base-secret-value\n"
            "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/sync\nsource_profile = base\n"
            "region = us-east-1\n")
        self.environment = {"AWS_CONFIG_FILE": str(self.folder / "config"), "AWS_PROFILE": "role",
                            "AWS_ENDPOINT_URL_STS": self.loopback.url}

    def check(self, headers, form):
        assert re.search(r"Credential=AKIDBASE/\d{8}/us-east-1/sts/aws4_request",
                         headers["authorization"]), headers


ISSUERS = [GcsServiceAccount, GcsExternalAccount, AzureClientSecret,
           AzureWorkloadIdentity, AzureManagedIdentity, AwsInstanceMetadata, AwsContainer,
           AwsWebIdentity, AwsAssumeRole]
