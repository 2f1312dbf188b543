import GRDB

/// The tables, and how older files become newer ones.
enum ImageSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: inventories and verdicts") { db in
            try db.execute(
                sql: """
                    CREATE TABLE image (
                        id INTEGER PRIMARY KEY,
                        digest TEXT NOT NULL UNIQUE,
                        reference TEXT NOT NULL,
                        distribution TEXT,
                        stored REAL NOT NULL,
                        packages INTEGER NOT NULL,
                        contents TEXT NOT NULL
                    );
                    -- One row for each different package; `identity` is everything that tells two apart.
                    CREATE TABLE package (
                        id INTEGER PRIMARY KEY,
                        identity TEXT NOT NULL UNIQUE
                    );
                    CREATE TABLE place (
                        id INTEGER PRIMARY KEY,
                        ecosystem TEXT NOT NULL,
                        name TEXT NOT NULL,
                        UNIQUE (ecosystem, name)
                    );
                    CREATE TABLE place_package (
                        place INTEGER NOT NULL,
                        package INTEGER NOT NULL,
                        PRIMARY KEY (place, package)
                    ) WITHOUT ROWID;
                    CREATE TABLE holding (
                        package INTEGER NOT NULL,
                        image INTEGER NOT NULL,
                        PRIMARY KEY (package, image)
                    ) WITHOUT ROWID;
                    CREATE TABLE verdict (
                        digest TEXT PRIMARY KEY,
                        advisories TEXT NOT NULL,
                        decided REAL NOT NULL,
                        counts TEXT NOT NULL,
                        fixable INTEGER NOT NULL,
                        exploited INTEGER NOT NULL,
                        unassessed INTEGER NOT NULL,
                        items TEXT NOT NULL
                    );
                    """)
        }
        migrator.registerMigration("2: programs, uses and what verdicts rest on") { db in
            try db.execute(
                sql: """
                    ALTER TABLE verdict ADD COLUMN details TEXT NOT NULL DEFAULT '{}';
                    -- All programs of an image in one value, since they are asked for together.
                    CREATE TABLE program (
                        digest TEXT PRIMARY KEY,
                        files BLOB NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE image_use (
                        cluster TEXT NOT NULL,
                        digest TEXT NOT NULL,
                        apigroup TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        namespace TEXT NOT NULL,
                        name TEXT NOT NULL,
                        container TEXT NOT NULL,
                        reference TEXT NOT NULL,
                        owner TEXT,
                        seen REAL NOT NULL,
                        PRIMARY KEY (cluster, digest, kind, namespace, name, container, apigroup)
                    ) WITHOUT ROWID;
                    CREATE INDEX image_use_digest ON image_use (digest);
                    """)
        }
        ImageNotes.register(in: &migrator)
        return migrator
    }
}
