SELECT diagnosis, count(*) AS stays, sum(days) AS days, avg(days) AS mean_days, avg(age) AS mean_age,
  sum(readmitted) AS readmitted
FROM (
  SELECT diagnosis, days, age, readmitted FROM north
  UNION ALL SELECT diagnosis, days, age, readmitted FROM south
  UNION ALL SELECT diagnosis, days, age, readmitted FROM east
)
GROUP BY diagnosis
ORDER BY diagnosis
