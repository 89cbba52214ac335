import netCDF4
import numpy as np
import pytest
import xarray as xr

from rramsim.errors import InputError
from rramsim.readers.measurements import read_measurements

TABLE = (
    "condition,state,cell,cycle,die,row,column,time (s),T (K),E_SET (pJ),failed,R (kOhm)\n"
    "weak,LRS,1,1,0,0,1,0,300,11,0,5\nweak,HRS,1,1,0,0,1,1,300,,0,OVLD\n"
    "strong,LRS,2,1,1,0,2,0,300,12,1,6\nstrong,HRS,2,2,1,0,2,5,358,,0,300\n"
)


def test_readings_that_were_written_come_back(read, tmp_path):
    readings = read(TABLE).readings
    path = tmp_path / "readings.nc"
    readings.assign_attrs(origin="synthetic").to_netcdf(path)
    again = read_measurements([path])
    assert again.origin == "synthetic"
    assert again.notes == ()
    assert set(again.readings.variables) == set(readings.variables)
    for name in readings.variables:
        if readings[name].dtype.kind == "f":
            np.testing.assert_array_equal(again.readings[name].values, readings[name].values)
        else:
            assert again.readings[name].values.tolist() == readings[name].values.tolist(), name


def test_other_netcdf_files_are_refused(tmp_path):
    path = tmp_path / "other.nc"
    xr.Dataset({"x": ("y", [1.0, 2.0])}).to_netcdf(path)
    with pytest.raises(InputError, match=r"other\.nc: this HDF5 or netCDF file holds no readings"):
        read_measurements([path])


@pytest.mark.parametrize(
    ("name", "value"), [("resistance", np.nan), ("resistance", -1.0), ("condition_index", 9)]
)
def test_damaged_readings_are_refused(read, tmp_path, name, value):
    readings = read(TABLE).readings
    values = readings[name].values.copy()
    values[0] = value
    readings[name] = (readings[name].dims, values)
    path = tmp_path / "readings.nc"
    readings.to_netcdf(path)
    with pytest.raises(InputError, match="the readings in this netCDF file are damaged"):
        read_measurements([path])


def test_a_store_of_arc_two_is_called_what_it_is(tmp_path):
    path = tmp_path / "arc2.h5"
    with netCDF4.Dataset(path, "w") as file:
        file.createGroup("crosspoints").createGroup("W03B04")
    with pytest.raises(InputError, match=r"^arc2\.h5: this is a store of ArC TWO \(HDF5\)"):
        read_measurements(path)
