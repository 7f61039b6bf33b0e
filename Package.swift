// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target, each with its reason.
let settings: [SwiftSetting] = [
  // A protocol value costs a dispatch: it must be visible where one is made.
  .enableUpcomingFeature("ExistentialAny"),
  // What a module imports is its own business unless it says otherwise.
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // A warning that stays is a warning that nobody reads.
  .treatAllWarnings(as: .error),
  // Checked by every test, which are built for debugging; a release would pay for it at each variable of an object.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A shim around one C library: the only place where its headers are included.
func shim(_ name: String, libraries: [String]) -> Target {
  .target(name: name, linkerSettings: libraries.map { .linkedLibrary($0) })
}

func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
    swiftSettings: settings)
}

/// The fuzzer, which links only with libFuzzer: scripts/fuzz asks for it.
let fuzzer: [Target] =
  Context.environment["HEIRLOOM_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "heirloom-fuzz", dependencies: ["FuzzTargets"], path: "Tests/Fuzzing/Driver",
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])],
      // gold stumbles over the instrumented objects.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"])])
  ]

let package = Package(
  name: "heirloom",
  products: [.executable(name: "heirloom", targets: ["heirloom"])],
  targets: [
    // C shims
    .target(
      name: "COTLP", cSettings: [.headerSearchPath("generated")], cxxSettings: [.headerSearchPath("generated")],
      linkerSettings: [.linkedLibrary("protobuf-c"), .linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),
    shim("CHTTPServer", libraries: ["microhttpd", "gnutls"]),
    shim("CGRPCServer", libraries: ["grpc++", "grpc", "gpr", "absl_synchronization"]),
    shim("CCurl", libraries: ["curl"]),
    shim("CYAML", libraries: ["yaml"]),
    shim("CCompression", libraries: ["deflate", "zstd"]),
    shim("CCrypt", libraries: ["crypt", "nettle"]),
    shim("CNettle", libraries: ["nettle"]),
    shim("CRE2", libraries: ["re2", "stdc++"]),
    shim("CGlibc", libraries: []),
    shim("CJSON", libraries: ["simdjson", "stdc++"]),
    shim("CSQLite", libraries: ["sqlite3"]),

    // Foundations: each imports nothing of ours but what stands above it
    room("Locks", ["CGlibc"]),
    room("SelfTelemetry", ["Locks"]),
    room("Configuration", ["CYAML"]),
    room("Compression", ["CCompression"]),
    room("TLS", []),
    room("Digests", ["CNettle"]),
    room("Authentication", ["CCrypt", "Digests", "SelfTelemetry", "Locks"]),
    room("HTTPServer", ["CHTTPServer", "TLS", "Locks"]),
    room("GRPCServer", ["CGRPCServer", "HTTPServer", "TLS", "Locks"]),
    room("HTTPClient", ["CCurl", "Locks"]),
    room("JSON", ["CJSON"]),
    room("Prices", []),

    // The path of a span
    room("Spool", ["Compression", "SelfTelemetry", "Locks"]),
    room("OTLP", ["COTLP", "Spool", "Locks"]),
    room("Pipeline", ["OTLP", "Spool", "Locks", "SelfTelemetry"]),
    room(
      "Receivers",
      [
        "Facts", "Pipeline", "OTLP", "HTTPServer", "GRPCServer", "TLS", "Authentication", "Compression", "JSON",
        "SelfTelemetry", "Locks",
      ]),
    room("EndUser", ["Pipeline", "OTLP", "Spool", "SelfTelemetry", "Locks"]),
    room(
      "Exporters", ["Pipeline", "OTLP", "Spool", "HTTPClient", "SelfTelemetry", "Locks"]),

    // What becomes of the spans' identity: users, sessions, traces, and who asks for them
    room("Facts", ["EndUser", "Pipeline", "OTLP", "Prices", "JSON"]),
    room("Privacy", ["CRE2", "Digests", "Facts", "EndUser", "Pipeline", "OTLP", "JSON"]),
    room("Rewriting", ["Privacy", "Pipeline", "OTLP", "Spool", "JSON", "SelfTelemetry", "Locks"]),
    room("Filters", ["Facts", "EndUser", "Pipeline", "OTLP", "JSON", "SelfTelemetry"]),
    room(
      "Ledger",
      [
        "CSQLite", "Filters", "Privacy", "Facts", "EndUser", "Prices", "Pipeline", "OTLP", "Spool", "JSON",
        "SelfTelemetry",
        "Locks",
      ]),
    room("Connectors", ["Ledger", "Facts", "Pipeline", "OTLP", "SelfTelemetry", "Locks"]),
    room("Console", ["Ledger", "Filters", "HTTPServer", "TLS", "JSON", "SelfTelemetry", "Locks"]),
    room("Terminal", ["Ledger", "Filters", "Privacy", "HTTPClient", "JSON", "SelfTelemetry", "Locks"]),

    // Everything together
    room(
      "Collector",
      [
        "Configuration", "Receivers", "EndUser", "Exporters", "Rewriting", "Pipeline", "OTLP", "Spool", "Compression",
        "HTTPServer", "GRPCServer", "TLS", "Authentication", "Terminal", "Console", "Connectors", "Ledger", "Filters",
        "Privacy", "Facts", "Prices",
        "SelfTelemetry", "Locks",
      ]),
    .executableTarget(name: "heirloom", dependencies: ["Collector"], swiftSettings: settings),
    .executableTarget(
      name: "heirloom-bench",
      dependencies: ["Ledger", "Facts", "EndUser", "Pipeline", "OTLP", "SelfTelemetry", "Compression", "Locks"],
      path: "Benchmarks/heirloom-bench",
      swiftSettings: settings),

    .target(
      name: "TestSupport",
      dependencies: ["Pipeline", "OTLP", "EndUser", "Facts", "Prices", "Spool", "Locks", "COTLPOracle"],
      path: "Tests/TestSupport",
      swiftSettings: settings),
    .target(
      name: "COTLPOracle", dependencies: ["COTLP"], path: "Tests/COTLPOracle",
      cSettings: [.headerSearchPath("../../Sources/COTLP/generated")]),
    tests("Spool", ["SelfTelemetry", "Locks"]),
    tests("OTLP", ["COTLP", "Spool", "Locks"]),
    tests("Configuration", []),
    tests("Locks", []),
    tests("SelfTelemetry", ["Locks"]),
    tests("Compression", []),
    tests("HTTPServer", ["TLS"]),
    .systemLibrary(name: "CEpoll", path: "Tests/CEpoll"),
    tests("GRPCServer", ["CEpoll", "HTTPServer", "TLS", "Locks"]),
    tests("HTTPClient", []),
    tests("JSON", []),
    tests("Prices", []),
    tests("Facts", ["Compression", "EndUser", "Pipeline", "OTLP", "Prices", "JSON", "SelfTelemetry"]),
    tests("Privacy", ["EndUser", "Pipeline", "OTLP", "JSON"]),
    tests("Filters", ["Facts", "EndUser", "Ledger", "Pipeline", "OTLP", "JSON", "SelfTelemetry", "Locks"]),
    tests(
      "Ledger",
      ["Filters", "Facts", "EndUser", "Prices", "Pipeline", "OTLP", "Spool", "JSON", "SelfTelemetry", "Locks"]),
    tests("Connectors", ["Ledger", "Facts", "Pipeline", "OTLP", "SelfTelemetry", "Locks"]),
    tests("Console", ["Ledger", "Filters", "Facts", "HTTPServer", "JSON", "SelfTelemetry", "Locks"]),
    tests("Terminal", ["JSON", "SelfTelemetry"]),
    tests("Pipeline", ["OTLP", "Spool", "SelfTelemetry", "Locks"]),
    tests("EndUser", ["Pipeline", "OTLP", "Spool", "SelfTelemetry"]),
    tests("Authentication", ["SelfTelemetry", "Locks"]),
    tests(
      "Receivers",
      ["Facts", "Pipeline", "OTLP", "HTTPServer", "Authentication", "Compression", "SelfTelemetry", "Locks"]),
    tests("Rewriting", ["Privacy", "EndUser", "Pipeline", "OTLP", "Spool", "JSON", "SelfTelemetry", "Locks"]),
    tests("Exporters", ["Pipeline", "OTLP", "Spool", "HTTPServer", "SelfTelemetry", "Locks"]),
    tests(
      "Collector",
      [
        "Compression", "Configuration", "Connectors", "EndUser", "Exporters", "Filters", "GRPCServer", "HTTPClient",
        "HTTPServer",
        "Locks", "OTLP", "Pipeline", "Receivers", "Rewriting", "SelfTelemetry", "Spool", "TLS", "Terminal",
      ]),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "Configuration", "Compression", "EndUser", "Facts", "Filters", "HTTPServer", "JSON", "Ledger", "OTLP",
        "Pipeline", "Prices", "Privacy", "Receivers", "Spool", "SelfTelemetry", "TestSupport",
      ],
      path: "Tests/Fuzzing/Targets", swiftSettings: settings),
    .testTarget(
      name: "FuzzingTests", dependencies: ["FuzzTargets", "Locks", "TestSupport"], path: "Tests/Fuzzing/Replay",
      swiftSettings: settings),
  ] + fuzzer,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu11,
  cxxLanguageStandard: .gnucxx17
)

/// With HEIRLOOM_TESTS="OTLP Spool", nothing but the tests of these rooms and what they need: building all of it with a
/// sanitizer takes longer than running them.
if let wanted = Context.environment["HEIRLOOM_TESTS"] {
  var needed = Set(wanted.split(separator: " ").map { "\($0)Tests" })
  var found = 0
  while found < needed.count {
    found = needed.count
    for target in package.targets where needed.contains(target.name) {
      for case .byNameItem(let name, _) in target.dependencies { needed.insert(name) }
    }
  }
  package.targets.removeAll { !needed.contains($0.name) }
  package.products = []
}
