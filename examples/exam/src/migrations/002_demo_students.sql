-- s0001 … s0200. Their codes are made from their numbers, so that load tests know them: an
-- installation with real students removes these accounts.
WITH names AS (
  SELECT
    'Ada,Amir,Bela,Chen,Dana,Elif,Farid,Grace,Hana,Ivan,Jona,Kofi,Lena,Mira,Noor,Omar,Priya,Rosa,Sami,Yuki'
      AS first,
    'Adler,Bauer,Costa,Dorn,Ekman,Fischer,Garcia,Haas,Ito,Jansen' AS last
),
numbered AS (
  SELECT
    n,
    's' || lpad(n::text, 4, '0') AS number,
    split_part(first, ',', (n - 1) % 20 + 1) || ' ' || split_part(last, ',', (n - 1) / 20 + 1) AS name
  FROM names, generate_series(1, 200) AS n
)
INSERT INTO students (number, name, access_code_hash)
SELECT
  number,
  name,
  encode(
    sha256(
      convert_to(
        number || ':' || upper(left(encode(sha256(convert_to('trivet-exam:' || number, 'UTF8')), 'hex'), 8)),
        'UTF8'
      )
    ),
    'hex'
  )
FROM numbered
ORDER BY n;
