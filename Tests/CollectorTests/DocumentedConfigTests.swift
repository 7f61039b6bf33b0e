@testable import Collector
import Configuration
import EndUser
import Exporters
import Foundation
import GRPCServer
import Pipeline
import Receivers
import Testing

/// The configurations that people are given to begin with.
struct DocumentedConfigTests {
  @Test func `the default listens on this machine, and appends attributed spans to a file`() throws {
    let reading = Reading(DefaultConfig.yaml)
    #expect(reading.messages == [])
    let config = reading.config

    let receiver = try #require(config.receivers.values.first).value
    #expect(config.receivers.count == 1)
    #expect(receiver.grpc?.host == "127.0.0.1")
    #expect(receiver.grpc?.port == 4317)
    #expect(receiver.http?.host == "127.0.0.1")
    #expect(receiver.http?.port == 4318)

    #expect(config.exporters.count == 3)
    for (id, name) in [("file", "spans"), ("file/logs", "logs"), ("file/metrics", "metrics")] {
      guard case .file(let file) = config.exporters[try #require(ComponentID(id))]?.value.destination else {
        Issue.record("no \(id)")
        return
      }
      #expect(file.path == "heirloom-data/\(name).jsonl")
      #expect(file.format == .json)
      #expect(file.append)
      #expect(file.createDirectory)
      #expect(file.rotation == nil)
      #expect(!file.isCompressed)
    }

    guard case .endUser(let endUser) = config.processors[try #require(ComponentID("enduser"))]?.value,
      case .memoryLimiter(let memory) = config.processors[try #require(ComponentID("memory_limiter"))]?.value
    else {
      Issue.record("other processors")
      return
    }
    var expected = EndUserConfiguration()
    expected.logTraces = true
    #expect(endUser == expected)
    #expect(memory.softLimit(totalMemory: 1000) == 600)
    #expect(config.service.pipelines.map(\.id.type) == ["traces", "logs", "metrics"])
    #expect(
      config.service.pipelines.map(\.processors).map { $0.map(\.value) }
        == [["memory_limiter", "enduser"], ["memory_limiter", "enduser"], ["memory_limiter"]])
    #expect(config.service.pipelines.map { $0.exporters.map(\.value) } == [["file"], ["file/logs"], ["file/metrics"]])
    #expect(config.service.metricsAddress?.port == 8888)
  }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every example, and every block of the documents that is a configuration of its own, by where it stands.
  private static func configurations() throws -> [(place: String, yaml: String)] {
    var all: [(String, String)] = []
    func files(_ folder: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).map { "\(folder)/\($0)" }
    }
    for path in try files("examples") where path.hasSuffix(".yaml") {
      all.append((path, try String(contentsOf: root.appending(path: path), encoding: .utf8)))
    }
    for path in try ["README.md"] + files("docs") where path.hasSuffix(".md") {
      let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
      for block in text.split(separator: "```yaml\n").dropFirst() {
        let yaml = String(block.prefix(upTo: block.firstRange(of: "```")?.lowerBound ?? block.endIndex))
        if yaml.contains("service:") && yaml.contains("receivers:\n") { all.append((path, yaml)) }
      }
    }
    return all
  }

  @Test func `every configuration in the documents and the examples is right as it stands`() throws {
    let configurations = try Self.configurations()
    #expect(configurations.count { $0.place.hasPrefix("examples/") } >= 3)
    #expect(configurations.count { $0.place == "README.md" } == 1)
    for (place, yaml) in configurations {
      let needed = yaml.matches(of: #/\${env:(\w+)}/#).map { (String($0.1), "text") }
      let variables = Dictionary(needed) { text, _ in text }
      #expect(Reading(yaml, variables: variables).messages == [], "in \(place)")
    }
  }

  @Test func `the example of the default is the default`() throws {
    let example = try String(contentsOf: Self.root.appending(path: "examples/default.yaml"), encoding: .utf8)
    func printed(_ yaml: String) -> String {
      let diagnostics = Diagnostics()
      return ConfigLoader.load(["yaml:" + yaml], diagnostics: diagnostics).maskedYAML()
    }
    #expect(printed(example) == printed(DefaultConfig.yaml))
  }

  @Test func `readme and help say what the default does`() throws {
    let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
    for text in [readme, Arguments.help] {
      #expect(text.contains("127.0.0.1:4317"))
      #expect(text.contains("127.0.0.1:4318"))
      #expect(text.contains("heirloom-data/spans.jsonl"))
    }
  }
}
