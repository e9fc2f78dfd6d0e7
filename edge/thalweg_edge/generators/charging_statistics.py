"""How people charge in public: figures that generated sessions reproduce.

Source: City of Boulder open data, "Electric Vehicle Charging Station Energy Consumption", 2018-2021: 24,081 sessions
at 27 stations. Own summary; the data itself is not part of this project. All figures are integers.
"""

from __future__ import annotations

from typing import Final

#: sessions a day of each of the 27 stations, in hundredths, from the quietest to the busiest
STATION_SESSIONS_PER_100_DAYS: Final = (
    1, 6, 10, 19, 22, 27, 46, 47, 61, 64, 76, 83, 88, 88, 93, 96, 99, 107, 119, 121, 131, 157, 166, 166, 188, 198, 343,
)  # fmt: skip
#: per mille of the sessions that start in each hour of the day, UTC (Boulder lies six to seven hours behind)
STARTS_BY_HOUR_PER_MILLE: Final = (
    76, 58, 27, 12, 5, 2, 2, 2, 1, 0, 0, 8, 23, 34, 58, 72, 71, 77, 88, 88, 73, 69, 71, 80,
)  # fmt: skip
#: sessions in which no energy flowed
EMPTY_SESSIONS_PER_MILLE: Final = 87
#: deciles of the seconds connected when no energy flowed; the last tenth is cut where it gets rare
EMPTY_DURATION_DECILES_SECONDS: Final = (0, 35, 67, 114, 119, 119, 120, 120, 121, 1_230, 20_000)
#: seconds connected when energy flowed: (per mille of the sessions, seconds), the last per mille left out
DURATION_QUANTILES_SECONDS: Final = (
    (0, 33), (100, 2_134), (200, 3_357), (300, 4_243), (400, 5_169), (500, 6_217), (600, 7_393), (700, 8_764),
    (800, 11_384), (900, 17_239), (950, 34_011), (980, 82_274), (990, 244_546), (995, 344_588), (999, 610_365),
)  # fmt: skip
#: deciles of the energy in Wh, one line for each tenth of the sessions by their seconds connected
ENERGY_DECILES_WH: Final = (
    (1, 148, 528, 858, 1_151, 1_441, 1_721, 2_017, 2_511, 3_085, 4_122),
    (2, 2_106, 2_466, 2_797, 3_250, 3_856, 4_278, 4_646, 4_998, 5_358, 6_524),
    (1, 2_896, 3_344, 3_681, 4_475, 5_739, 6_072, 6_362, 6_648, 6_923, 8_192),
    (2, 3_129, 4_037, 4_397, 4_858, 6_623, 7_390, 7_804, 8_135, 8_472, 9_865),
    (9, 3_661, 4_846, 5_288, 5_896, 7_696, 8_852, 9_268, 9_645, 10_116, 11_997),
    (1, 4_266, 5_765, 6_269, 7_013, 8_943, 10_515, 11_044, 11_564, 12_137, 14_728),
    (8, 4_981, 6_332, 6_986, 7_899, 9_896, 12_092, 12_859, 13_444, 14_108, 17_117),
    (5, 4_852, 6_651, 8_370, 9_695, 11_840, 14_117, 15_344, 16_304, 17_596, 22_512),
    (11, 5_329, 7_389, 10_291, 12_056, 14_325, 16_811, 19_436, 21_199, 24_060, 32_998),
    (12, 2_499, 5_016, 7_505, 10_640, 12_999, 16_605, 20_799, 30_181, 38_871, 85_200),
)
#: the most that one of these connectors delivered over a whole session
MAX_POWER_W: Final = 7_300
#: what the generator is measured against: mean over the sessions in which energy flowed, and over all of them
MEAN_ENERGY_WH: Final = 8_523
MEAN_ENERGY_OF_ALL_WH: Final = 7_781
#: median seconds connected over all sessions
MEDIAN_DURATION_SECONDS: Final = 5_710
