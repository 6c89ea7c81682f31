// write_parquet.mjs CSV PARQUET - DuckDB writes the rows of a CSV file as Parquet with zstd; bench/exports.sh times it.
import { DuckDBInstance } from '@duckdb/node-api';

const [from, to] = process.argv.slice(2).map((name) => `'${name.replaceAll("'", "''")}'`);
const connection = await (await DuckDBInstance.create(':memory:')).connect();
await connection.run(`COPY (SELECT * FROM read_csv(${from}, header = true)) TO ${to} (FORMAT parquet, COMPRESSION zstd)`);
