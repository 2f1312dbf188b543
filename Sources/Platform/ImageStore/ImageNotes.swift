import GRDB

/// Further facts of images, by digest and kind, as texts that only whoever writes them reads.
enum ImageNotes {
    static func register(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("notes of images") { db in
            try db.execute(
                sql: """
                    CREATE TABLE note (
                        digest TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        text TEXT NOT NULL,
                        PRIMARY KEY (digest, kind)
                    ) WITHOUT ROWID
                    """)
        }
    }
}

extension ImageStore {
    /// What was noted of an image under that kind; nothing where nothing was.
    package func note(_ kind: String, of digest: String) throws(ImageStoreError) -> String? {
        try read("read") { db in
            try String.fetchOne(
                db.cachedStatement(sql: "SELECT text FROM note WHERE digest = ? AND kind = ?"),
                arguments: [digest, kind])
        }
    }

    /// Notes texts of one kind, by digest, in one transaction; what stood there is replaced.
    package func note(_ kind: String, _ texts: [(digest: String, text: String)]) throws(ImageStoreError) {
        try write("write to") { db in
            let insert = try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO note (digest, kind, text) VALUES (?, ?, ?)")
            for (digest, text) in texts { try insert.execute(arguments: [digest, kind, text]) }
        }
    }

    /// How many images have a note of that kind.
    package func countOfNotes(_ kind: String) throws(ImageStoreError) -> Int {
        try read("read") { db in
            try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM note WHERE kind = ?", arguments: [kind]) ?? 0
        }
    }
}
