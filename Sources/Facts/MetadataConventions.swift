/// Where end-user metadata stands, by the keys of all conventions.
package enum MetadataConventions {
  /// Keys of a whole object.
  package static var objects: [String] {
    FactConventions.fields.filter { $0.key == .metadata }.flatMap(\.value)
  }

  /// What keys begin with that have one of its values each; `isJSON`: as the text of a JSON value.
  package static var prefixes: [(prefix: String, isJSON: Bool)] {
    FactConventions.metadataPrefixes.map { ($0.key, $0.value == .json) }
  }
}
