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
        ImageNotes.register(in: &migrator)
        return migrator
    }
}
