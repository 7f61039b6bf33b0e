@testable import Collector
import Testing

struct ComponentIDTests {
  @Test(arguments: [
    ("otlp", "otlp", "", "otlp"), ("otlp/2", "otlp", "2", "otlp/2"), ("file/a/b", "file", "a/b", "file/a/b"),
    (" otlp / two ", "otlp", "two", "otlp/two"), ("otlp_http", "otlp_http", "", "otlp_http"),
  ])
  func `an id is a type, perhaps with a name`(text: String, type: String, name: String, description: String) throws {
    let id = try #require(ComponentID(text))
    #expect(id.type == type)
    #expect(id.name == name)
    #expect(id.description == description)
  }

  @Test(arguments: ["", " ", "/", "/name", "otlp/", "otlp/ ", " /x"]) func `what is no id is none`(text: String) {
    #expect(ComponentID(text) == nil)
  }

  @Test(arguments: [
    ("otlphttp", "otlp_http"), ("otlphttp/up", "otlp_http/up"), ("otlp", "otlp_grpc"), ("otlp/up", "otlp_grpc/up"),
  ])
  func `an exporter's alias is the component itself`(alias: String, id: String) {
    #expect(ComponentID(alias, of: .exporters) == ComponentID(id))
    #expect(ComponentID(alias, of: .exporters)?.description == id)
    #expect(ComponentID(alias, of: .receivers)?.description == alias)
  }

  @Test func `an alias stands for what there is`() {
    for (kind, aliases) in ComponentCatalog.aliases {
      for (alias, type) in aliases {
        #expect(ComponentCatalog.has(kind, type))
        #expect(!ComponentCatalog.has(kind, alias))
      }
    }
  }

  @Test(arguments: [
    ("traces", "traces"), ("otlp_http/up", "otlp_http@up"), ("traces/a/b", "traces@a@b"),
    ("traces/a@b", "traces@a%40b"),
    ("traces/..", "traces@.."), ("traces/a%40b", "traces@a%2540b"), ("traces/ä b", "traces@%C3%A4%20b"),
    ("traces/\u{1}", "traces@%01"),
  ])
  func `every id has a directory's name of its own`(text: String, name: String) throws {
    #expect(StorageContext.fileName(of: try #require(ComponentID(text)).description) == name)
  }

  @Test func `what Heirloom has is not said to be missing`() {
    for kind in ComponentCatalog.Kind.allCases {
      let have = Set((ComponentCatalog.components[kind] ?? []).map(\.type))
      #expect(have.isDisjoint(with: ComponentCatalog.known[kind] ?? []))
      #expect(ComponentCatalog.known[kind]?.isEmpty == false)
    }
  }
}

struct EndpointTests {
  @Test(arguments: [
    ("127.0.0.1:4318", "127.0.0.1", UInt16(4318)), ("localhost:1", "localhost", 1), (":4318", "", 4318),
    ("0.0.0.0:0", "0.0.0.0", 0), ("[::1]:4318", "::1", 4318), ("[::]:65535", "::", 65535),
    ("otel-collector.ns.svc:4318", "otel-collector.ns.svc", 4318),
  ])
  func `an endpoint is a host and a port`(text: String, host: String, port: UInt16) throws {
    let endpoint = try #require(Endpoint.parse(text))
    #expect(endpoint.host == host)
    #expect(endpoint.port == port)
  }

  @Test(arguments: [
    "", "4318", "localhost", "localhost:", "localhost:http", "localhost:65536", "localhost:-1", "localhost:+1",
    "localhost: 1", "::1:4318", "[::1:4318", "::1]:4318", "http://localhost:4318", "localhost:4318/v1/traces",
    "unix:/run/x:1", "[::1]", "localhost:４３１８",
  ])
  func `anything else is none`(text: String) {
    #expect(Endpoint.parse(text) == nil)
  }
}
