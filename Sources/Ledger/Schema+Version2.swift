extension Schema {
  /// Finds rare values without looking at every row, and keeps count of the keys of metadata.
  static let version2 = Migration(sql: tables) { (database) throws(LedgerError) in
    try fillShapes(of: database)
    try fillBlocks(of: database)
  }

  private static let tables = """
    -- Of 1024 rows each, what filters look for (see `RowBlock`): of traces the numbers of their name, labels and metadata,
    -- of users and sessions that of the latest metadata. When the traces of a block begin, or of those that it had.
    CREATE TABLE trace_blocks (id INTEGER PRIMARY KEY, earliest INTEGER, latest INTEGER, columns BLOB NOT NULL);
    CREATE TABLE session_blocks (id INTEGER PRIMARY KEY, earliest INTEGER, latest INTEGER, columns BLOB NOT NULL);
    CREATE TABLE user_blocks (id INTEGER PRIMARY KEY, earliest INTEGER, latest INTEGER, columns BLOB NOT NULL);

    -- The keys that objects of metadata have (see `MetadataShapes`), and how many have just these: objects, traces, and users
    -- of whom it is the latest.
    CREATE TABLE metadata_shapes (
      id INTEGER PRIMARY KEY, keys BLOB NOT NULL UNIQUE, objects INTEGER NOT NULL DEFAULT 0,
      traces INTEGER NOT NULL DEFAULT 0, users INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE metadata_keys (key TEXT NOT NULL, shape INTEGER NOT NULL, PRIMARY KEY (key, shape)) WITHOUT ROWID;
    ALTER TABLE metadata ADD COLUMN shape INTEGER;
    """

  private static func fillShapes(of database: Database) throws(LedgerError) {
    var objects: [Int64] = []
    try database.forEach("SELECT id FROM metadata") { objects.append($0.int(0)) }
    guard !objects.isEmpty else { return }
    let names = try NameTables(database)
    for object in objects { try names.findShape(of: object) }
    try names.flush()
    try database.execute(
      """
      UPDATE metadata_shapes SET traces = c.traces
      FROM (SELECT shape, sum(traces) AS traces FROM metadata GROUP BY shape) c WHERE c.shape = metadata_shapes.id;
      UPDATE metadata_shapes SET users = c.users
      FROM (SELECT m.shape, count(*) AS users FROM users u JOIN metadata m ON m.id = u.metadata WHERE u.id > 0
        GROUP BY m.shape) c WHERE c.shape = metadata_shapes.id
      """)
  }

  private static func fillBlocks(of database: Database) throws(LedgerError) {
    for (table, owner) in [("user_blocks", "users"), ("session_blocks", "sessions")] {
      let blocks = try RowBlocks(database, table: table, columnCount: 1)
      try database.forEach("SELECT id, metadata FROM \(owner) WHERE metadata IS NOT NULL AND id > 0 ORDER BY id") {
        (row) throws(LedgerError) in
        try blocks.set(row.int(0), column: RowBlock.Column.metadata, to: row.int(1))
        try blocks.flush(beyond: 64)
      }
      try blocks.flush()
    }
    let blocks = try RowBlocks(database, table: "trace_blocks", columnCount: 3)
    try database.forEach("SELECT \(TraceRow.columns) FROM traces ORDER BY id") { (row) throws(LedgerError) in
      try blocks.change(from: nil, to: TraceView(row: TraceRow(row), bucket: 0, labels: []))
      try blocks.flush(beyond: 64)
    }
    try blocks.flush()
  }
}
