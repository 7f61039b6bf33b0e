import Configuration

extension FuzzTarget {
  /// The configuration's YAML: what can be read can be written and read again, and loading it, with substitutions, ends
  /// with a tree or with messages.
  static let configuration = FuzzTarget(name: "configuration") { bytes in
    if let node = try? ConfigNode.parse(bytes, source: "config.yaml") {
      guard let again = try? ConfigNode.parse(Array(node.yaml().utf8), source: "again.yaml") else {
        return "what was written of it can't be read"
      }
      guard again.yaml() == node.yaml() else { return "written and read again it is another tree" }
    }
    let diagnostics = Diagnostics()
    let loaded = ConfigLoader.load(["config.yaml"], environment: environment(bytes), diagnostics: diagnostics)
    for message in diagnostics.all where message.description.isEmpty { return "a message that says nothing" }
    for text in [loaded.yaml(), loaded.maskedYAML()] {
      guard (try? ConfigNode.parse(Array(text.utf8), source: "loaded.yaml")) != nil else {
        return "what was loaded can't be read again"
      }
    }
    let section = ConfigSection(loaded, diagnostics: diagnostics)
    _ = (section.section("receivers")?.entries, section.strings("processors"), section.string("text"))
    section.finish()
    return nil
  }

  /// A few variables, one of them a mapping, and files that hold the configuration itself and another one.
  private static func environment(_ bytes: [UInt8]) -> ConfigEnvironment {
    ConfigEnvironment(
      variable: { ["A": "${B}", "B": "text", "MAP": "{a: 1, b: ${A}}", "LIST": "[1, ${env:B}]"][$0] },
      file: { (path) throws(ConfigEnvironment.Unreadable) in
        switch path {
        case "config.yaml": return bytes
        case "t": return Array("s: ${env:B}".utf8)
        default: throw ConfigEnvironment.Unreadable("No such file or directory")
        }
      })
  }
}
