/// Faults of single components.
extension BadConfigTests {
  static let receivers: [Fault] = [
    Fault(
      "  otlp:\n    protocols:", "  jaeger:\n    protocols:",
      "2:3: error: receivers.jaeger: Heirloom does not have the receiver \"jaeger\" yet; there are otlp",
      "16:19: error: service.pipelines.traces.receivers: receiver \"otlp\" is not defined"),
    Fault(
      "  otlp:\n    protocols:", "  otlpp:\n    protocols:",
      "2:3: error: receivers.otlpp: unknown receiver \"otlpp\"; there are otlp",
      "16:19: error: service.pipelines.traces.receivers: receiver \"otlp\" is not defined"),
    Fault(
      "      http:\n        endpoint: 127.0.0.1:0", "      grpc:\n        endpoint: 4317",
      "5:19: error: receivers.otlp.protocols.grpc.endpoint: expected text, found the whole number 4317 (put it in quotes)"
    ),
    Fault(
      "      http:\n        endpoint: 127.0.0.1:0", "      grpc:\n        transport: udp\n        auth: {}",
      "5:20: error: receivers.otlp.protocols.grpc.transport: the only one here is tcp, found \"udp\"",
      "6:9: error: receivers.otlp.protocols.grpc.auth.authenticator: one of authenticator and authenticators is required"
    ),
    Fault(
      "      http:\n        endpoint: 127.0.0.1:0", "      grpc:\n        max_recv_msg_size_mib: 1025",
      "5:32: error: receivers.otlp.protocols.grpc.max_recv_msg_size_mib: expected a whole number from 0 to 1024, found the whole number 1025"
    ),
    Fault(
      "      http:\n        endpoint: 127.0.0.1:0",
      "      grpc:\n        tls: {cert_file: a, key_file: b, min_version: \"1.3\"}",
      "5:55: error: receivers.otlp.protocols.grpc.tls.min_version: gRPC speaks TLS 1.2 and 1.3, and neither can be left out"
    ),
    Fault(
      "      http:\n        endpoint: 127.0.0.1:0", "      grpc:\n        keepalive: {server_parameter: {}}",
      "5:21: error: unknown key \"server_parameter\" in receivers.otlp.protocols.grpc.keepalive (did you mean \"server_parameters\"?)"
    ),
    Fault(
      "    protocols:\n      http:\n        endpoint: 127.0.0.1:0\n", "",
      "2:3: error: receivers.otlp.protocols: nothing to listen on: set protocols.grpc, protocols.http, or both"),
    Fault(
      "      http:\n        endpoint: 127.0.0.1:0", "      htpp:",
      "4:7: error: receivers.otlp.protocols: nothing to listen on: set protocols.grpc, protocols.http, or both",
      "4:7: error: unknown key \"htpp\" in receivers.otlp.protocols (did you mean \"http\"?)"),
    Fault(
      "        endpoint: 127.0.0.1:0", "        endpoint: localhost",
      "5:19: error: receivers.otlp.protocols.http.endpoint: expected host:port, found \"localhost\""),
    Fault(
      "        endpoint: 127.0.0.1:0", "        endpoint: localhost\n        max_connections: 3",
      "5:19: error: receivers.otlp.protocols.http.endpoint: expected host:port, found \"localhost\""),
    Fault(
      "        endpoint: 127.0.0.1:0", "        endpoint: 4318",
      "5:19: error: receivers.otlp.protocols.http.endpoint: expected text, found the whole number 4318 (put it in quotes)"
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        endpont: 127.0.0.1:0",
      "5:9: error: unknown key \"endpont\" in receivers.otlp.protocols.http (did you mean \"endpoint\"?)"),
    Fault(
      "        endpoint: 127.0.0.1:0", "        max_request_body_size: big",
      "5:32: error: receivers.otlp.protocols.http.max_request_body_size: expected a whole number, found the text \"big\""
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        max_request_body_size: -1",
      "5:32: error: receivers.otlp.protocols.http.max_request_body_size: expected a whole number from 0 to 1073741824, found the whole number -1"
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        max_connections: 0",
      "5:26: error: receivers.otlp.protocols.http.max_connections: expected a whole number from 1 to 1000000, found the whole number 0"
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        idle_timeout: 5",
      "5:23: error: receivers.otlp.protocols.http.idle_timeout: expected a duration, found the whole number 5 (write its unit, as in 5s)"
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        tls: {cert_file: x}",
      "5:9: error: receivers.otlp.protocols.http.tls.key_file: cert_file and key_file are required to speak TLS"),
    Fault(
      "        endpoint: 127.0.0.1:0",
      "        tls: {cert_file: x, key_file: y, min_version: '1.3', max_version: '1.2'}",
      "5:75: error: receivers.otlp.protocols.http.tls.max_version: must not be below min_version (1.3)"),
    Fault(
      "        endpoint: 127.0.0.1:0", "        tls: {cert_file: x, key_file: y, min_version: '1.1'}",
      "5:55: error: receivers.otlp.protocols.http.tls.min_version: expected one of 1.2, 1.3, found the text \"1.1\""),
    Fault(
      "        endpoint: 127.0.0.1:0", "        transport: unix",
      "5:20: error: receivers.otlp.protocols.http.transport: a Unix socket needs its path in endpoint"),
    Fault(
      "        endpoint: 127.0.0.1:0", "        endpoint: unix:///run/x.sock\n        transport: tcp",
      "6:20: error: receivers.otlp.protocols.http.transport: the endpoint is a Unix socket: set unix, or leave the key out"
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        endpoint: 'unix://'",
      "5:19: error: receivers.otlp.protocols.http.endpoint: expected the path of a Unix socket"),
    Fault(
      "        endpoint: 127.0.0.1:0", "        transport: udp",
      "5:20: error: receivers.otlp.protocols.http.transport: expected one of tcp, unix, found the text \"udp\""),
    Fault(
      "        endpoint: 127.0.0.1:0", "        response_headers: {X-Ok: a, 'X Bad': b}",
      "5:27: error: receivers.otlp.protocols.http.response_headers: \"X Bad\" is no header that can be added to replies"
    ),
    Fault(
      "        endpoint: 127.0.0.1:0", "        response_headers: {content-length: '3'}",
      "5:27: error: receivers.otlp.protocols.http.response_headers: \"content-length\" is no header that can be added to replies"
    ),
  ]

  private static let endpoint = "        endpoint: 127.0.0.1:0"

  static let edge: [Fault] = [
    Fault(
      endpoint, "        compression_algorithms: [gzip, snappy, br]",
      "5:33: warning: receivers.otlp.protocols.http.compression_algorithms: snappy is not supported yet and has no effect",
      "5:33: error: receivers.otlp.protocols.http.compression_algorithms: \"br\" is no compression that is known here; there are identity, gzip, zstd, zlib, deflate"
    ),
    Fault(
      endpoint, "        cors: {allowed_origins: ['https://*.a.*'], exposed_headers: ['a b'], max_age: -2}",
      "5:87: error: receivers.otlp.protocols.http.cors.max_age: expected a whole number from -1 to 2147483647, found the whole number -2",
      "5:33: error: receivers.otlp.protocols.http.cors.allowed_origins: an origin has one * at most: https://*.a.*",
      "5:69: error: receivers.otlp.protocols.http.cors.exposed_headers: not the name of a header: a b"),
    Fault(
      endpoint, "        cors: {allowed_headers: [a]}",
      "5:33: warning: receivers.otlp.protocols.http.cors.allowed_headers: without allowed_origins it has no effect"),
    Fault(
      endpoint, "        auth: {}",
      "5:9: error: receivers.otlp.protocols.http.auth.authenticator: one of authenticator and authenticators is required"
    ),
    Fault(
      endpoint, "        auth: {authenticator: oidc}",
      "5:9: error: receivers.otlp.protocols.http.auth: there is no extension \"oidc\" that knows senders"),
    Fault(
      "processors:\n", "extensions: {basicauth: {htpasswd: {inline: 'a:b'}}}\nprocessors:\n"),
    Fault(
      "        endpoint: 127.0.0.1:0\nprocessors:\n",
      "        auth: {authenticator: basicauth}\nextensions: {basicauth: {htpasswd: {inline: 'a:b'}}}\nprocessors:\n",
      "5:9: error: receivers.otlp.protocols.http.auth: service.extensions has to name \"basicauth\" too"),
    Fault(
      "processors:\n", "extensions: {basicauth: {}, basicauth/b: {htpasswd: {}}}\nprocessors:\n",
      "6:14: error: extensions.basicauth.htpasswd is required",
      "6:43: error: extensions.basicauth/b.htpasswd.file: file or inline is required"),
    Fault(
      "processors:\n", "extensions: {bearertokenauth: {}, apikeyauth: {}}\nprocessors:\n",
      "6:14: error: extensions.bearertokenauth.token: token, tokens or filename is required, and no token is empty",
      "6:35: error: extensions.apikeyauth.keys: at least one is required"),
    Fault(
      "processors:\n", "extensions: {apikeyauth: {keys: [{key: a}, {key: a, tenant: ''}, {}]}}\nprocessors:\n",
      "6:50: error: extensions.apikeyauth.keys[1].key: this key stands twice",
      "6:61: error: extensions.apikeyauth.keys[1].tenant: a tenant has a name; leave it out for none",
      "6:66: error: extensions.apikeyauth.keys[2].key: a key is required, and none is empty"),
    Fault(
      "processors:\n", "extensions: {health_check: {endpoint: x, path: y}}\nprocessors:\n",
      "6:39: error: extensions.health_check.endpoint: expected host:port, found \"x\"",
      "6:48: error: extensions.health_check.path: must begin with /"),
  ]

  static let processors: [Fault] = [
    Fault(
      "  enduser:\n", "  enduser:\n    from_headers: {end_user: x-user, session: 'a b'}\n",
      "8:47: error: processors.enduser.from_headers.session: not the name of a header: a b",
      "2:3: warning: receivers.otlp: without include_metadata, processors.enduser.from_headers has no effect on it"),
    Fault(
      "  enduser:\n", "  enduser:\n    fallback: any\n",
      "8:15: error: processors.enduser.fallback: expected one of topmost, none, found the text \"any\""),
    Fault(
      "  enduser:\n", "  enduser:\n    fallback_wiat: 3s\n",
      "8:5: error: unknown key \"fallback_wiat\" in processors.enduser (did you mean \"fallback_wait\"?)"),
    Fault(
      "  enduser:\n", "  enduser:\n    root_wait: soon\n",
      "8:16: error: processors.enduser.root_wait: expected a duration such as 200ms, 5s or 1m30s, found the text \"soon\""
    ),
    Fault(
      "  enduser:\n", "  enduser:\n    root_wait: -1s\n",
      "8:16: error: processors.enduser.root_wait: expected a duration of at least 0.0 seconds, found the text \"-1s\""),
    Fault(
      "  enduser:\n", "  enduser:\n    max_traces: 0\n",
      "8:17: error: processors.enduser.max_traces: expected a whole number of at least 1, found the whole number 0"),
    Fault(
      "  enduser:\n", "  enduser:\n    id_keys: {a: b}\n",
      "8:14: error: processors.enduser.id_keys: expected a list of texts, found a mapping"),
    Fault(
      "  enduser:\n", "  enduser:\n    id_keys: [a, \"\"]\n    session_keys: [\"\"]\n    metadata_keys: [\"\"]\n",
      "8:14: error: processors.enduser.id_keys: a key must not be empty",
      "10:20: error: processors.enduser.metadata_keys: a key must not be empty",
      "9:19: error: processors.enduser.session_keys: a key must not be empty"),
    Fault(
      "  enduser:\n", "  enduser:\n    inherit: [\"*\", \"a*b\", \"\", ok, \"ok.*\"]\n",
      "8:14: error: processors.enduser.inherit: expected a key, or a prefix with a * behind it, found \"*\"",
      "8:14: error: processors.enduser.inherit: expected a key, or a prefix with a * behind it, found \"a*b\"",
      "8:14: error: processors.enduser.inherit: expected a key, or a prefix with a * behind it, found \"\""),
    Fault(
      "  enduser:\n", "  enduser:\n    resolved_traces: {max: 0, tll: 1s}\n",
      "8:28: error: processors.enduser.resolved_traces.max: expected a whole number from 1 to 1099511627776, found the whole number 0",
      "8:31: error: unknown key \"tll\" in processors.enduser.resolved_traces (did you mean \"ttl\"?)"),
    Fault(
      "  enduser:\n", "  enduser:\n    log_traces: 3\n",
      "8:17: error: processors.enduser.log_traces: expected true or false, found the whole number 3"),
    Fault(
      "  batch:\n", "  batch:\n    send_batch_size: 10\n    send_batch_max_size: 9\n",
      "10:26: error: processors.batch.send_batch_max_size: must not be less than send_batch_size (10)"),
    Fault(
      "  batch:\n", "  batch:\n    metadata_keys: [a]\n    metadata_cardinality_limit: 3\n",
      "9:5: warning: processors.batch.metadata_keys is not supported yet and has no effect",
      "10:5: warning: processors.batch.metadata_cardinality_limit is not supported yet and has no effect"),
    Fault(
      "  batch:\n", "  memory_limiter:\n  batch:\n",
      "8:3: error: processors.memory_limiter.check_interval is required",
      "8:3: error: processors.memory_limiter.limit_mib: limit_mib or limit_percentage must be greater than zero"),
    Fault(
      "  batch:\n", "  memory_limiter: {check_interval: 0s, limit_mib: 1}\n  batch:\n",
      "8:36: error: processors.memory_limiter.check_interval: must be greater than zero"),
    Fault(
      "  batch:\n", "  memory_limiter: {check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}\n  batch:\n",
      "8:71: error: processors.memory_limiter.spike_limit_mib: must be less than limit_mib"),
    Fault(
      "  batch:\n",
      "  memory_limiter: {check_interval: 1s, limit_percentage: 50, spike_limit_percentage: 60}\n  batch:\n",
      "8:86: error: processors.memory_limiter.spike_limit_percentage: must be less than limit_percentage"),
    Fault(
      "  batch:\n", "  memory_limiter: {check_interval: 1s, limit_percentage: 101}\n  batch:\n",
      "8:58: error: processors.memory_limiter.limit_percentage: expected a whole number from 0 to 100, found the whole number 101",
      "8:3: error: processors.memory_limiter.limit_mib: limit_mib or limit_percentage must be greater than zero"),
    Fault(
      "  batch:\n", "  filter:\n  batch:\n", "8:3: error: processors.filter.keep: keep or drop must be set"),
    Fault(
      "  batch:\n", "  filter: {keep: error, drop: error}\n  batch:\n",
      "8:31: error: processors.filter.drop: keep and drop can't both be set"),
    Fault(
      "  batch:\n", "  filter: {keep: end_user is not}\n  batch:\n",
      "8:18: error: processors.filter.keep: expected a value\n  end_user is not\n                 ^"),
    Fault(
      "  batch:\n", "  filter: {drop: error or sessions > 3}\n  batch:\n",
      "8:18: error: processors.filter.drop: a span has no “sessions”\n  error or sessions > 3\n           ^"),
    Fault(
      "  batch:\n", "  filter: {keep: ''}\n  batch:\n",
      "8:18: error: processors.filter.keep: the filter is empty"),
    Fault(
      "  batch:\n", "  filter: {keep: 3}\n  batch:\n",
      "8:18: error: processors.filter.keep: expected text, found the whole number 3 (put it in quotes)",
      "8:18: error: processors.filter.keep: keep or drop must be set"),
    Fault(
      "  batch:\n", "  filter: {keep: error, error_mode: ignore}\n  batch:\n",
      "8:25: warning: processors.filter.error_mode is not supported yet and has no effect"),
    Fault(
      "  batch:\n", "  tail_sampling:\n  batch:\n",
      "8:3: error: processors.tail_sampling: Heirloom does not have the processor \"tail_sampling\" yet; there are enduser, filter, batch, memory_limiter"
    ),
    Fault(
      "  batch:\n", "  btach:\n  batch:\n",
      "8:3: error: processors.btach: unknown processor \"btach\"; there are enduser, filter, batch, memory_limiter"),
  ]

  static let exporters: [Fault] = [
    Fault(
      "    path: a", "    append: true\n    format: json",
      "11:3: error: exporters.file.path is required"),
    Fault(
      "    path: a", "    path:\n    flush_interval: 1s",
      "12:5: error: exporters.file.path is required"),
    Fault(
      "    path: a", "    path: a\n    format: xml",
      "13:13: error: exporters.file.format: expected one of json, proto, found the text \"xml\""),
    Fault(
      "    path: a", "    path: a\n    compression: zstd\n    append: true",
      "14:13: error: exporters.file.append: cannot be combined with compression"),
    Fault(
      "    path: a", "    path: a\n    directory_permissions: rwx",
      "13:28: error: exporters.file.directory_permissions: expected octal permissions like \"0755\", found \"rwx\""),
    Fault(
      "    path: a", "    path: a\n    rotation: {max_megabytes: 0, max_day: 3}",
      "13:31: error: exporters.file.rotation.max_megabytes: expected a whole number from 1 to 1073741824, found the whole number 0",
      "13:34: error: unknown key \"max_day\" in exporters.file.rotation (did you mean \"max_days\"?)"),
    Fault(
      "    path: a", "    path: a\n    group_by: {enabled: true}",
      "13:5: warning: exporters.file.group_by is not supported yet and has no effect"),
    Fault(
      "  debug:", "  debug:\n    verbosity: loud",
      "11:16: error: exporters.debug.verbosity: expected one of basic, normal, detailed, found the text \"loud\""),
    Fault(
      "  debug:", "  debug:\n    use_internal_logger: false\n    sampling_initial: -1",
      "12:23: error: exporters.debug.sampling_initial: expected a whole number of at least 0, found the whole number -1",
      "11:5: warning: exporters.debug.use_internal_logger is not supported yet and has no effect"),
    Fault(
      "  debug:", "  otlp_http:\n    headers: {a: b}\n  debug:",
      "10:3: error: exporters.otlp_http.endpoint: endpoint or traces_endpoint is required"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: a:4318\n  debug:",
      "11:15: error: exporters.otlp_http.endpoint: not an absolute http or https URL: \"a:4318\""
    ),
    Fault(
      "  debug:", "  otlp_http:\n    traces_endpoint: ftp://a\n  debug:",
      "11:22: error: exporters.otlp_http.traces_endpoint: not a usable URL (neither http nor https): \"ftp://a\""
    ),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    compression: brotli\n  debug:",
      "12:18: error: exporters.otlp_http.compression: expected one of gzip, zstd, none, found the text \"brotli\""),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    auth: {}\n    encoding: json\n  debug:",
      "13:5: warning: exporters.otlp_http.encoding is not supported yet and has no effect",
      "12:5: warning: exporters.otlp_http.auth is not supported yet and has no effect"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    tls: {min_version: \"1.4\", tpm: x}\n  debug:",
      "12:24: error: exporters.otlp_http.tls.min_version: expected one of 1.0, 1.1, 1.2, 1.3, found the text \"1.4\"",
      "12:31: warning: exporters.otlp_http.tls.tpm is not supported yet and has no effect"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    headers: {authorization: [secret]}\n  debug:",
      "12:30: error: exporters.otlp_http.headers.authorization: expected text, found a list"),
    Fault(
      "  debug:",
      "  otlp_http:\n    endpoint: http://a\n    sending_queue: {storage: file_storage, queue_size: 0}\n  debug:",
      "12:56: error: exporters.otlp_http.sending_queue.queue_size: expected a whole number of at least 1, found the whole number 0",
      "12:21: warning: exporters.otlp_http.sending_queue.storage is not supported yet and has no effect"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    sending_queue: {batch: {sizer: requests}}\n  debug:",
      "12:36: error: exporters.otlp_http.sending_queue.batch.sizer: batches are sized by items or bytes"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    dead_letter: {path: \"\", max_mib: 0}\n  debug:",
      "12:25: error: exporters.otlp_http.dead_letter.path: a path is required",
      "12:38: error: exporters.otlp_http.dead_letter.max_mib: expected a whole number from 1 to 1073741824, found the whole number 0"
    ),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    tls: {ca_pem: x, ca_file: /dev/null}\n  debug:",
      "10:3: error: exporters.otlp_http: tls: ca_file and ca_pem are one too many"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    tls: {cert_pem: x}\n  debug:",
      "10:3: error: exporters.otlp_http: tls: a certificate (cert_file) and its key (key_file) belong together, one of them is missing"
    ),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    tls: {cipher_suites: [ROT13]}\n  debug:",
      "10:3: error: exporters.otlp_http: tls: unknown cipher suite \"ROT13\""),
    Fault(
      "  debug:",
      "  otlp_http:\n    endpoint: http://a\n    compression: zstd\n    compression_params: {level: 23}\n  debug:",
      "13:33: error: exporters.otlp_http.compression_params.level: expected a whole number from 1 to 22, found the whole number 23"
    ),
    Fault(
      "  debug:", "  otlp_grpc:\n    timeout: 5s\n  debug:",
      "10:3: error: exporters.otlp_grpc.endpoint is required"),
    Fault(
      "  debug:", "  otlp:\n    endpoint: http://a:4317\n  debug:",
      "11:15: error: exporters.otlp.endpoint: TLS is on, and the endpoint is an http URL: set tls.insecure, or leave the scheme out"
    ),
    Fault(
      "  debug:", "  otlp_grpc:\n    endpoint: a\n  debug:",
      "11:15: error: exporters.otlp_grpc.endpoint: expected host:port (OTLP/gRPC's own port is 4317), perhaps with https:// or dns:/// before it"
    ),
    Fault(
      "  debug:", "  otlp_grpc:\n    endpoint: a:4317\n    headers: {te: x}\n    balancer_name: pick_first\n  debug:",
      "12:14: warning: exporters.otlp_grpc.headers: \"te\" is gRPC's own affair and is not sent",
      "13:5: warning: exporters.otlp_grpc.balancer_name is not supported yet and has no effect"),
    Fault(
      "  debug:", "  otlp_http:\n    endpoint: http://a\n    retry_on_failure: {multiplier: 0.5}\n  debug:",
      "12:36: error: exporters.otlp_http.retry_on_failure.multiplier: expected a number from 1.0 to 1000.0, found the number 0.5"
    ),
  ]
}
